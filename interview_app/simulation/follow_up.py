"""A follow-up that quotes a piece of the answer; the first that was not asked before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from interview_app.evidence import normalised
from interview_app.simulation.request import SimulatedRequest, read_request
from interview_app.simulation.things import phrases, sentences

LEAD = {"en": "You wrote “{thing}”.", "de": "Du schreibst „{thing}“."}
WITHOUT_LEAD = {
    "en": "There was nothing in the answer that could be quoted.",
    "de": "In der Antwort war nichts, was sich zitieren lässt.",
}
ASKS = {
    "en": (
        "What exactly did you do yourself, and how did you see that it worked?",
        "What was hard about it, and how did you decide?",
        "What would you do differently today, and why?",
    ),
    "de": (
        "Was genau hast du selbst getan, und woran hast du gesehen, dass es wirkt?",
        "Was war daran schwierig, und wie hast du entschieden?",
        "Was würdest du heute anders machen, und warum?",
    ),
}
WHY = {
    "en": "{lead} A simulated interviewer picked it; it did not understand it.",
    "de": "{lead} Eine Simulation hat das ausgesucht; verstanden hat sie es nicht.",
}


def simulated_follow_up(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    asked = {normalised(line) for line in request.block("already_asked").split("\n")}
    text, lead = next(
        (text, lead) for text, lead in _candidates(request) if normalised(text) not in asked
    )
    return {"text": text, "why": WHY[request.language].format(lead=lead)}


def _candidates(request: SimulatedRequest) -> Iterator[tuple[str, str]]:
    """Each question with what is said about where it comes from; without an end."""
    language = request.language
    answer = request.block("candidate_answer")
    leads = [LEAD[language].format(thing=thing) for thing in phrases(sentences(answer), ())]
    for ask in ASKS[language]:
        for lead in leads:
            yield f"{lead} {ask}", lead
        yield ask, WITHOUT_LEAD[language]
    for number in count(2):
        yield f"({number}) {ASKS[language][0]}", WITHOUT_LEAD[language]
