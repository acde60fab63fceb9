"""Lines that job boards put around a posting, in the languages that boards here have. Data alone.

Each is a pattern for a whole line, without regard to case.
"""

from __future__ import annotations

import re


def _whole_line(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\A(?:{'|'.join(patterns)})\W*+", re.IGNORECASE)


NAVIGATION = _whole_line(
    (
        r"skip to (?:main )?content",
        r"sign in|sign up|log ?in|register|join now|my (?:jobs|account|profile)",
        r"menu|home|jobs|search(?: jobs)?|help|faq|next|previous|follow|promoted",
        r"(?:easy )?apply(?: now| on company (?:web)?site)?",
        r"saved?(?: job)?|share(?: this job)?|print|report (?:this )?job|copy link",
        r"back(?: to (?:search|results|jobs))?",
        r"(?:show|see|read) (?:more|less|all)",
        r"see who .{1,40} has hired.{0,40}",
        r"(?:set|get) (?:job )?alerts?\b.{0,60}",
        r"privacy(?: policy)?|terms(?: of (?:use|service))?|imprint",
        r"cookie (?:policy|settings|preferences)",
        r"(?:accept|reject|allow|manage) (?:all )?cookies|(?:accept|reject|allow) all",
        r"be an early applicant|(?:over )?\d+\+? applicants",
        r"\d+ (?:hours?|days?|weeks?|months?) ago",
        r"anmelden|einloggen|registrieren|menü|startseite|hilfe|impressum|agb|teilen|drucken",
        r"zum (?:haupt)?inhalt(?: springen)?|jobs suchen|zurück.{0,30}",
        r"(?:jetzt |schnell )?bewerben|(?:job )?(?:merken|speichern|melden)|link kopieren",
        r"weiterlesen|mehr (?:anzeigen|erfahren)|datenschutz(?:erklärung)?",
        r"alle (?:cookies )?(?:akzeptieren|ablehnen)|cookie-einstellungen",
        r"vor \d+ (?:stunden?|tag(?:en)?|wochen?|monat(?:en)?)",
        r"facebook|twitter|linkedin|xing|whatsapp|instagram|e-?mail",
    )
)

# Sentences, so not matched as a whole: a notice names cookies and what is asked for them.
COOKIE_NOTICE = re.compile(
    r"\b(?:we|this site|our site|our partners|wir|diese (?:web)?seite)\b[^.]{0,60}\bcookies?\b"
    r"|\bcookies?\b[^.]{0,80}\b(?:consent|your preferences|your experience|einwilligung)\b",
    re.IGNORECASE,
)

# From such a heading on, the page is about other jobs.
OTHER_JOBS = _whole_line(
    (
        r"(?:similar|related|recommended|more|other) (?:jobs|positions|roles|vacancies)\b.{0,40}",
        r"(?:people|candidates) also (?:viewed|applied).{0,40}",
        r"jobs you (?:may|might) .{0,40}|you (?:may|might) also .{0,40}",
        r"(?:ähnliche|weitere|passende) (?:jobs|stellen\w{0,10}|positionen)\b.{0,40}",
        r"diese jobs könnten .{0,40}|das könnte .{0,40}interessieren",
    )
)
