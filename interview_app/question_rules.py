"""What no question may be: unlawful, over-long, two at once, or asked before. Checked by code after
the model, whatever it was told.

The unlawful ones are those about the person: age, family, religion, health, origin, nationality,
sexual orientation, politics, union (AGG § 1; US EEOC, prohibited practices). A question about
patients with a disability or a family of products is none of them, so patterns look for "you".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from interview_app.evidence import normalised
from interview_app.languages import SMALL_WORDS

MAX_WORDS = 35
MAX_CHARACTERS = 600
"""Of 35 words; and what the patterns below are not given, so that no text can make them slow."""
MOST_ALIKE = 0.8
"""Of the words of two questions: the share in both from which on they are the same question."""

UNLAWFUL = "unlawful"
TOO_LONG = "too_long"
TWO_IN_ONE = "two_in_one"

FEWEST_TELLING = 4
SMALL = SMALL_WORDS["en"] | SMALL_WORDS["de"]

WORD = re.compile(r"\w+")
QUOTED = re.compile(r"[“„\"«»][^“”„\"«»]{1,200}[”“\"«»]")
TWO_TASKS = re.compile(
    r"\?[^?\w]{0,20}\w[^?]{0,400}\?"
    r"|\b(?:and also|as well as (?:how|what|why|when)|additionally|in addition,"
    r"|und außerdem|sowie (?:wie|was|warum|wann)|zusätzlich)\b",
    re.IGNORECASE | re.DOTALL,
)


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


YOUR = (
    r"\b(?:your|deine?[nmrs]?|(?-i:Ihre?[nmrs]?))\W+(?:(?:own|current|personal|exact|private|real"
    r"|eigene|aktuelle|genaue|private|persönliche)[nmrs]?\W+)?"
)
"""Their own, not that of "their" patients: German tells the two apart by a capital."""
BETWEEN = (
    r"\W+(?:(?:currently|already|perhaps|yet|now|any|an?|small|young|more|own|other|some|to|have|be"
    r"|having|being|get|start|ever|schon|noch|bereits|denn|eigene|kleine|eine?[nr]?|gerade|derzeit"
    r"|aktuell|einmal|mal|später|weitere|vielleicht|unter|an|zu)\W+){0,4}"
)
ARE_YOU = (
    r"\b(?:are you|were you|you are|bist du|warst du|du bist|(?:sind|waren) (?-i:Sie))" + BETWEEN
)
HAVE_YOU = (
    r"\b(?:(?:do|did|will|would|don't) you\W+(?:(?:currently|already|still|ever)\W+)?(?:have|want"
    r"|plan|expect|take|need|suffer from|intend|belong to)|have you|hast du|willst du|möchtest du"
    r"|planst du|wünschst du dir|leidest du|gehörst du|bekommst du|nimmst du"
    r"|(?:haben|planen|möchten|wollen|leiden|nehmen) (?-i:Sie))" + BETWEEN
)
PATTERNS = {
    "age": _any_of(
        r"\bhow old (?:are|were|will) you\b|\bwie alt (?:bist|warst|wirst) du\b",
        r"\bwie alt (?:sind) (?-i:Sie)\b",
        YOUR + r"(?:age|birth\w*|date of birth|year of birth|alters?|jahrgang|geburts\w+)\b",
        r"\b(?:were you|bist du|wurdest du|(?:sind|wurden) (?-i:Sie))\b.{0,20}\b(?:born|geboren)\b",
        r"\b(?:will|would|do|werden|wirst|willst) (?:you|du|(?-i:Sie))\b.{0,20}"
        r"\b(?:retire|rente|ruhestand)\b",
        ARE_YOU + r"(?:too )?(?:old|young|alt|jung)\b",
    ),
    "family": _any_of(
        YOUR + r"(?:marital|marriage|husband|wife|spouse|boyfriend|girlfriend|child|children|kids"
        r"|family(?! of)|parents|fiancée?|(?:ehe)?mann|(?:ehe)?frau|familie"
        r"|familien(?:stand|planung)|kinder[ns]?|kind|eltern|freundin)\b",
        ARE_YOU
        + r"(?:married|single(?!-)|divorced|engaged(?! in| with)|pregnant|a (?:mother|father)"
        r"|verheiratet|ledig|geschieden|verlobt|schwanger|alleinerziehend|mutter|vater)\b",
        HAVE_YOU + r"(?:children|kids|a family|family|childcare|pregnant|kinder|familie|nachwuchs"
        r"|schwanger|kinderbetreuung)\b(?!')",
        r"\b(?:maternity|paternity|parental) leave\b|\belternzeit\b|\bmutterschutz\b",
        r"\b(?:kinderwunsch|familienplanung|familienstand)\b|\bfamily planning\b",
        r"\bstart(?:ing)? a family\b|\b(?:looks? after|cares? for) your (?:children|kids)\b",
    ),
    "religion": _any_of(
        YOUR + r"(?:religio\w+|faith|church|konfession|glauben?|kirche|bekenntnis)\b",
        ARE_YOU + r"(?:religious|christian|muslim|jewish|hindu|catholic|protestant|atheist|religiös"
        r"|gläubig|christ|muslim(?:isch)?|jüdisch|katholisch|evangelisch)\b",
        r"\b(?:do|would) you (?:pray|go to church|wear a headscarf)\b|\bbetest du\b",
        r"\bgehst du\b.{0,20}\bkirche\b|\bträgst du\b.{0,20}\bkopftuch\b",
        r"\b(?:which|what) (?:church|religion)\b.{0,12}\byou\b|\bwelche[rn]? (?:kirche|religion"
        r"|konfession|glaubensgemeinschaft)\b.{0,12}\b(?:du|(?-i:Sie))\b",
    ),
    "health": _any_of(
        YOUR + r"(?:health(?! ?care| and safety| service)|disabilit\w+|illness\w*|medication"
        r"|medical (?:history|condition)\w*|weight|gesundheit(?:lich\w*)?|gesundheitszustand"
        r"|krankheit\w*|behinderung\w*|krankengeschichte)\b",
        ARE_YOU + r"(?:disabled|chronically|ill(?!-)|sick(?! of)|in therapy|healthy|behindert"
        r"|schwerbehindert|krank|chronisch|in therapie|gesund|gesundheitlich)\b",
        HAVE_YOU
        + r"(?:disabilit\w+|chronic\w*|illness\w*|medical condition\w*|medication|sick days"
        r"|behinderung\w*|schwerbehind\w+|krankheit\w*|vorerkrankung\w*|chronisch\w*|medikamente"
        r"|krankheitstage)\b",
        r"\bhow many sick days\b|\bhow often (?:are|were) you (?:ill|sick)\b|\bkrankgeschrieben\b"
        r"|\bwie oft (?:bist|warst) du krank\b|\bkrankheitstage\b|\bgrad der behinderung\b",
    ),
    "origin": _any_of(
        r"\bwhere (?:are|were) you (?:\w+ )?from\b|\bwhere do you (?:\w+ )?come from\b",
        r"\bwoher (?:kommst du|stammst du|(?:kommen|stammen) (?-i:Sie))\b",
        YOUR
        + r"(?:nationality|citizenship|ethnic\w*|race|native (?:language|country)|mother tongue"
        r"|(?:country|place) of (?:birth|origin)|accent|skin|passport|nationalität|herkunft\w*"
        r"|staats(?:angehörigkeit|bürgerschaft)|muttersprache|akzent|hautfarbe|heimatland"
        r"|migrationshintergrund)\b",
        ARE_YOU + r"(?:(?:\w+ )?citizen|foreigner|immigrant|native speaker|staatsbürger\w*"
        r"|ausländer\w*|muttersprachler\w*|deutsche[rn]?)\b",
        HAVE_YOU + r"(?:(?:\w+ )?citizenship|migrationshintergrund|deutschen? pass\w*)\b",
        r"\b(?:welche|which|what) (?:nationality|nationalität|staatsangehörigkeit)\b",
    ),
    "private life": _any_of(
        YOUR + r"(?:sexual\w*|sexuelle\w*|gender identity|political|politische\w*|union membership"
        r"|gewerkschaft(?:szugehörigkeit)?|geschlechtsidentität)\b",
        ARE_YOU
        + r"(?:gay|lesbian|bisexual|(?:a member of|in) a (?:trade )?(?:union|political party)"
        r"|a union member|schwul|lesbisch"
        r"|(?:mitglied )?(?:in )?(?:einer )?(?:gewerkschaft|partei))\b",
        r"\b(?:who|which party|wen|welche partei)\b.{0,20}\b(?:vote|gewählt|wählst|wählen)\b",
        HAVE_YOU + r"(?:a )?(?:trade union|political party|gewerkschaft|partei)\b",
    ),
}


def unlawful_topic(text: str) -> str | None:
    """What the question asks about that no interviewer may, or None. What stands in quotation
    marks is the posting's or the résumé's, not the interviewer's."""
    asked = QUOTED.sub(" ", " ".join(text.split()))
    return next((topic for topic, found in PATTERNS.items() if found.search(asked)), None)


def is_unfit(text: str) -> bool:
    """Whether it may not be shown at all: unlawful, or too long to be looked through for that."""
    return len(text) > MAX_CHARACTERS or unlawful_topic(text) is not None


def fault_of(text: str) -> str | None:
    """Why another question would be better, whatever was asked before; or None."""
    if len(text) > MAX_CHARACTERS or len(text.split()) > MAX_WORDS:
        return TOO_LONG
    if unlawful_topic(text):
        return UNLAWFUL
    return TWO_IN_ONE if TWO_TASKS.search(QUOTED.sub(" ", text)) else None


def telling_words(text: str) -> frozenset[str]:
    """What a question is compared by: without "what did you" and the like, where enough is left."""
    words = frozenset(WORD.findall(normalised(text)))
    telling = words - SMALL
    return telling if len(telling) >= FEWEST_TELLING else words


def is_repeated(words: frozenset[str], asked: Iterable[frozenset[str]]) -> bool:
    """Word for word, or with few words changed (Jaccard's index of the sets)."""
    return any(len(words & each) >= MOST_ALIKE * len(words | each) for each in asked)
