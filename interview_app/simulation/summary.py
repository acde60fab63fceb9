"""A summary computed from the feedback lines: what comes back, and what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from interview_app.simulation.feedback_texts import REASONS, TRY_THIS
from interview_app.simulation.request import read_request

MAX_STRENGTHS = 3
MAX_HABITS = 2

TEXTS = {
    "en": {
        "scored": "Your answers to {scored} were assessed.",
        "missing": "Nothing can be said yet about {missing}.",
        "nothing": "Nothing could be assessed yet: no answer has a score.",
        "best": "The strongest answer was to question {best} ({competency}).",
        "weakest": "What would help most: {advice}",
        "question": "question {number}",
        "questions": "questions {numbers} and {last}",
        "strength": "{text} (question {number})",
        "habit": "{reason} (question {numbers})",
        "exercise": "Take question {number} again and write for ten minutes. {advice}",
        "no_exercise": "Answer one question in four sentences: situation, task, steps, result.",
    },
    "de": {
        "scored": "Bewertet wurden deine Antworten auf {scored}.",
        "missing": "Noch nichts sagen lässt sich über {missing}.",
        "nothing": "Es konnte noch nichts bewertet werden: Keine Antwort hat eine Bewertung.",
        "best": "Am stärksten war die Antwort auf Frage {best} ({competency}).",
        "weakest": "Was am meisten hilft: {advice}",
        "question": "Frage {number}",
        "questions": "die Fragen {numbers} und {last}",
        "strength": "{text} (Frage {number})",
        "habit": "{reason} (Frage {numbers})",
        "exercise": "Nimm dir Frage {number} noch einmal vor und schreib zehn Minuten lang."
        " {advice}",
        "no_exercise": "Beantworte eine Frage in vier Sätzen: Lage, Aufgabe, Schritte, Ergebnis.",
    },
}


def simulated_summary(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    language = request.language if request.language in TEXTS else "en"
    lines = [json.loads(line) for line in request.block("feedback").splitlines()]
    scored = [line for line in lines if line["score"] is not None]
    if not scored:
        return _nothing_scored(language)
    return {
        "text": _text(lines, scored, language),
        "strengths": _strengths(scored, language),
        "habits": _habits(scored, language),
        "exercise": _exercise(scored, language),
    }


def _nothing_scored(language: str) -> dict[str, Any]:
    words = TEXTS[language]
    return {
        "text": words["nothing"],
        "strengths": [],
        "habits": [],
        "exercise": words["no_exercise"],
    }


def _text(lines: list[dict[str, Any]], scored: list[dict[str, Any]], language: str) -> str:
    words = TEXTS[language]
    missing = [line["question"] for line in lines if line["score"] is None]
    best = max(scored, key=lambda line: line["score"])
    sentences = [
        words["scored"].format(scored=_named([line["question"] for line in scored], language)),
        words["best"].format(best=best["question"], competency=best["competency"]),
    ]
    if missing:
        sentences.append(words["missing"].format(missing=_named(missing, language)))
    if weak := _weak_criteria(scored):
        sentences.append(words["weakest"].format(advice=TRY_THIS[language][weak[0]]))
    return " ".join(sentences)


def _named(numbers: list[int], language: str) -> str:
    words = TEXTS[language]
    if len(numbers) == 1:
        return words["question"].format(number=numbers[0])
    before = ", ".join(map(str, numbers[:-1]))
    return words["questions"].format(numbers=before, last=numbers[-1])


def _strengths(scored: list[dict[str, Any]], language: str) -> list[str]:
    """Different ones, from the best answers first."""
    first_seen: dict[str, int] = {}
    for line in sorted(scored, key=lambda line: -line["score"]):
        for text in line["strengths"]:
            first_seen.setdefault(text, line["question"])
    strength = TEXTS[language]["strength"]
    found = list(first_seen.items())[:MAX_STRENGTHS]
    return [strength.format(text=text.rstrip("."), number=number) + "." for text, number in found]


def _weak_criteria(scored: list[dict[str, Any]]) -> list[str]:
    """The criteria that fixes were about, the commonest first; ties in the order they came."""
    named = Counter(fix["criterion"] for line in scored for fix in line["fixes"])
    return [key for key, _ in named.most_common() if key in TRY_THIS["en"]]


def _habits(scored: list[dict[str, Any]], language: str) -> list[str]:
    return [_habit(key, scored, language) for key in _weak_criteria(scored)[:MAX_HABITS]]


def _habit(key: str, scored: list[dict[str, Any]], language: str) -> str:
    places = [
        str(line["question"])
        for line in scored
        if any(fix["criterion"] == key for fix in line["fixes"])
    ]
    reason = REASONS[language][key]["low"].rstrip(".")
    return TEXTS[language]["habit"].format(reason=reason, numbers=", ".join(places)) + "."


def _exercise(scored: list[dict[str, Any]], language: str) -> str:
    words = TEXTS[language]
    weak = _weak_criteria(scored)
    if not weak:
        return words["no_exercise"]
    lowest = min(scored, key=lambda line: line["score"])
    return words["exercise"].format(number=lowest["question"], advice=TRY_THIS[language][weak[0]])
