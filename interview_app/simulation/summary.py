"""A summary computed from the feedback lines: what comes back, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from interview_app.simulation.request import read_request

MAX_STRENGTHS = 3
MAX_HABITS = 2

TEXTS = {
    "en": {
        "scored": "A simulated interviewer counted, and understood nothing. Counted was in"
        " question {scored}; most was found in question {best} ({competency}).",
        "missing": " Nothing can be said yet about question {missing}.",
        "nothing": "Nothing could be counted yet: no answer has a score.",
        "point": "{text} (question {numbers}).",
        "exercise": "Take question {lowest} again and write for ten minutes.",
        "no_exercise": "Answer one question in four sentences: situation, task, steps, result.",
    },
    "de": {
        "scored": "Eine Simulation hat gezählt und nichts verstanden. Gezählt wurde bei"
        " Frage {scored}; am meisten fand sich bei Frage {best} ({competency}).",
        "missing": " Noch nichts sagen lässt sich über Frage {missing}.",
        "nothing": "Es konnte noch nichts gezählt werden: Keine Antwort hat eine Bewertung.",
        "point": "{text} (Frage {numbers}).",
        "exercise": "Nimm dir Frage {lowest} noch einmal vor und schreib zehn Minuten lang.",
        "no_exercise": "Beantworte eine Frage in vier Sätzen: Lage, Aufgabe, Schritte, Ergebnis.",
    },
}


def simulated_summary(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    texts = TEXTS[request.language]
    # Not splitlines: JSON lets the line separators of Unicode stand in a text.
    lines = [json.loads(line) for line in request.block("feedback").split("\n") if line]
    scored = sorted(
        (line for line in lines if line["score"] is not None), key=lambda line: line["score"]
    )
    strengths = [(text, line) for line in scored for text in line["strengths"]]
    fixes = [(fix["try_this"], line) for line in scored for fix in line["fixes"]]
    lowest = scored[0]["question"] if scored else None
    return {
        "text": _text(lines, scored, texts) if scored else texts["nothing"],
        "strengths": _commonest(strengths, texts["point"])[:MAX_STRENGTHS],
        "habits": _commonest(fixes, texts["point"])[:MAX_HABITS],
        "exercise": texts["exercise" if scored else "no_exercise"].format(lowest=lowest),
    }


def _text(
    lines: list[dict[str, Any]], scored: list[dict[str, Any]], texts: Mapping[str, str]
) -> str:
    best, missing = scored[-1], [line for line in lines if line["score"] is None]
    text = texts["scored"].format(
        scored=_numbers(scored), best=best["question"], competency=best["competency"]
    )
    return text + (texts["missing"].format(missing=_numbers(missing)) if missing else "")


def _commonest(points: Iterable[tuple[str, dict[str, Any]]], template: str) -> list[str]:
    """Each point once, with the numbers of its questions; those of most questions first."""
    places: dict[str, list[dict[str, Any]]] = {}
    for text, line in points:
        places.setdefault(text.rstrip("."), []).append(line)
    commonest = sorted(places.items(), key=lambda item: -len(item[1]))
    return [template.format(text=text, numbers=_numbers(found)) for text, found in commonest]


def _numbers(lines: list[dict[str, Any]]) -> str:
    return ", ".join(map(str, sorted(line["question"] for line in lines)))
