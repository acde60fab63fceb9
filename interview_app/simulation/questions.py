"""Questions from three templates: a lead that names a thing, a matter, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice, repeat, zip_longest
from typing import Any

from interview_app.question_rules import is_repeated, telling_words
from interview_app.simulation.request import SimulatedRequest, read_request
from interview_app.simulation.things import (
    PERIOD,
    employers,
    names,
    phrases,
    sentences,
    shared_terms,
)

ROLE_MAX_WORDS = 8
MOST_LEADS = 30

LEADS = {
    "en": {
        "posting": "The posting says “{thing}”.",
        "resume": "Your résumé says “{thing}”.",
        "both": "Posting and résumé both say “{thing}”.",
        "company": "The posting names “{thing}”.",
        "employer": "Your résumé names “{thing}”.",
        "role": "You apply as {thing}.",
    },
    "de": {
        "posting": "In der Anzeige steht „{thing}“.",
        "resume": "In deinem Lebenslauf steht „{thing}“.",
        "both": "In Anzeige und Lebenslauf steht „{thing}“.",
        "company": "Die Anzeige nennt „{thing}“.",
        "employer": "Dein Lebenslauf nennt „{thing}“.",
        "role": "Du bewirbst dich als {thing}.",
    },
}
WHY = {
    "en": "{lead} A simulated interviewer picked it; it did not understand it.",
    "de": "{lead} Eine Simulation hat das ausgesucht; verstanden hat sie es nicht.",
}
# By competency; ten, since a session has up to ten questions.
MATTERS = {
    "en": {
        "Reliability": "a deadline at risk",
        "Explaining": "something hard to explain",
        "Teamwork": "a difference of opinion",
        "Learning": "a mistake of your own",
        "Adaptability": "priorities that change",
        "Decision making": "a hard decision",
        "Initiative": "a process worth improving",
        "Helping others": "a colleague who needs help",
        "Curiosity": "something new to learn",
        "Judgement": "speed against quality",
    },
    "de": {
        "Zuverlässigkeit": "einen gefährdeten Termin",
        "Erklären": "etwas, das schwer zu erklären ist",
        "Zusammenarbeit": "eine Meinungsverschiedenheit",
        "Lernen": "einen eigenen Fehler",
        "Anpassung": "wechselnde Prioritäten",
        "Entscheiden": "eine schwere Entscheidung",
        "Initiative": "einen Ablauf, der besser sein könnte",
        "Hilfsbereitschaft": "eine Kollegin, die Hilfe braucht",
        "Neugier": "etwas Neues, das zu lernen ist",
        "Urteil": "Tempo gegen Qualität",
    },
}
ASKS = {
    "en": {
        "behavioral": "Think of {matter}: when was that, and what did you do?",
        "situational": "Think of {matter}: what would you do first, and why?",
        "technical": "Think of {matter}: what would you check, and what could go wrong?",
    },
    "de": {
        "behavioral": "Denk an {matter}: Wann war das, und was hast du getan?",
        "situational": "Denk an {matter}: Was würdest du zuerst tun, und warum?",
        "technical": "Denk an {matter}: Was würdest du prüfen, und was könnte schiefgehen?",
    },
}


def simulated_questions(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    wanted = request.schema["properties"]["questions"]
    types = wanted["items"]["properties"]["type"]["enum"]
    here, earlier = (request.block(tag).splitlines() for tag in ("already_asked", "asked_earlier"))
    chosen = list(islice(_new_ones(request, types, here, earlier), wanted["minItems"]))
    if len(chosen) < wanted["minItems"]:  # all that can be asked was asked in earlier practices
        chosen = list(islice(_new_ones(request, types, here, []), wanted["minItems"]))
    return {"questions": chosen}


def _new_ones(
    request: SimulatedRequest, types: list[str], here: list[str], earlier: list[str]
) -> Iterator[dict[str, str]]:
    """Each of another competency than those of this practice, and none that was asked earlier."""
    language = request.language
    used = {name for name, what in MATTERS[language].items() if any(what in line for line in here)}
    known = [telling_words(line) for line in [*here, *earlier]]
    number = len(here)
    for lead, (competency, matter) in _pairs(request):
        type_ = types[number % len(types)]
        text = f"{lead} {ASKS[language][type_].format(matter=matter)}"
        if competency in used or (known and is_repeated(telling_words(text), known)):
            continue
        used.add(competency)
        number += 1
        yield {
            "text": text,
            "type": type_,
            "competency": competency,
            "why": WHY[language].format(lead=lead),
        }


def _pairs(request: SimulatedRequest) -> Iterator[tuple[str, tuple[str, str]]]:
    """Every lead with every matter: each with another one first."""
    matters = list(MATTERS[request.language].items())
    leads = list(islice(_leads(request), MOST_LEADS))
    for shift in range(len(matters)):
        for place, lead in enumerate(leads):
            yield lead, matters[(place + shift) % len(matters)]


def _leads(request: SimulatedRequest) -> Iterator[str]:
    """From each source one in turn; where all are used up, the role."""
    role = " ".join(request.settings.get("role", "").replace("?", "").split()[:ROLE_MAX_WORDS])
    posting, resume = (sentences(request.block(tag)) for tag in ("job_posting", "resume"))
    shared = shared_terms(posting, resume, role)
    found = {
        "posting": phrases(posting, shared),
        "resume": phrases(resume, shared),
        "both": shared,
        "company": names(posting[:2], role)[:1],
        "employer": employers(request.block("resume_entries"))[:2]
        or names(filter(PERIOD.search, resume), role)[:2],
    }
    templates = LEADS[request.language]
    by_source = ([templates[key].format(thing=thing) for thing in found[key]] for key in found)
    in_turn = chain.from_iterable(zip_longest(*by_source))
    return chain(filter(None, in_turn), repeat(templates["role"].format(thing=role)))
