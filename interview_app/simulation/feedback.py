"""Feedback computed from an answer: scores from counts, points that quote, a rewrite of its facts.

A simulation cannot judge whether something is true: "correctness" stays without a score. Length
alone earns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from interview_app.scorability import has_words
from interview_app.simulation import feedback_texts as texts
from interview_app.simulation.request import read_request
from interview_app.simulation.signals import (
    ALTERNATIVE,
    HABIT,
    LEARNT,
    LIMITS,
    NUMBER,
    OPINION,
    OWN_ACTION,
    OWN_TASK,
    REASON,
    RESULT,
    SELF_DESCRIPTION,
    SITUATION,
    WE,
    Signals,
)

GOOD_ENOUGH = 4
MIDDLE = 3
MAX_POINTS = 3
MIN_WORDS = 3
QUOTE_MAX_WORDS = 25
LONG_SENTENCE = 45
LONG_ANSWER = 400
SHORT_ANSWER = 15
MUCH_REPETITION = 0.6

Scorer = Callable[[Signals, str], int | None]


def simulated_feedback(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    language = request.language if request.language in texts.REASONS else "en"
    signals = Signals(request.block("candidate_answer"), language)
    keys = list(request.schema["properties"]["criteria"]["properties"])
    scores = _scores(keys, signals, request.block("question"))
    return {
        "criteria": {
            key: {"reason": _reason(key, score, language), "score": score}
            for key, score in scores.items()
        },
        "response_type": _response_type(signals),
        "strengths": _strengths(scores, signals, language),
        "fixes": _fixes(scores, signals, language),
        "rewrite": _rewrite(scores, signals, language),
    }


def _scores(keys: list[str], signals: Signals, question: str) -> dict[str, int | None]:
    if len(signals.words) < MIN_WORDS or not has_words(signals.text):
        return dict.fromkeys(keys)
    return {key: SCORERS[key](signals, question) for key in keys}


def _relevance(signals: Signals, question: str) -> int:
    shared = signals.overlap_with(question)
    return min(5, 1 + min(2, shared) + min(2, signals.actions))


def _situation(signals: Signals, _question: str) -> int:
    if signals.first_sentence_with(OWN_TASK):
        return 5 if signals.first_sentence_with(SITUATION) else 4
    if signals.first_sentence_with(SITUATION):
        return 4 if signals.actions >= 2 else 3
    return 2 if signals.actions >= 2 else 1


def _action(signals: Signals, _question: str) -> int:
    if signals.actions == 0:
        return 1
    if signals.count(WE) > 2 * signals.actions:
        return 2
    return min(5, 1 + min(3, signals.actions) + min(1, signals.count(REASON)))


def _result(signals: Signals, _question: str) -> int:
    if signals.has_measured_result:
        return 5 if signals.first_sentence_with(LEARNT) or signals.numbers >= 2 else 4
    return 3 if signals.first_sentence_with(RESULT) else 1


def _specificity(signals: Signals, _question: str) -> int:
    return 1 + min(4, signals.numbers + min(2, signals.names))


def _clarity(signals: Signals, _question: str) -> int:
    faults = (
        signals.longest_sentence > LONG_SENTENCE,
        len(signals.words) > LONG_ANSWER,
        signals.repetition > MUCH_REPETITION,
        signals.actions == 0,
        len(signals.words) < SHORT_ANSWER,
    )
    return max(1, 5 - sum(faults))


def _correctness(_signals: Signals, _question: str) -> None:
    return None


def _reasoning(signals: Signals, _question: str) -> int:
    reasons, alternatives = signals.count(REASON), signals.count(ALTERNATIVE)
    return min(5, 1 + min(2, reasons) + min(2, alternatives))


def _depth(signals: Signals, _question: str) -> int:
    return min(5, 1 + min(3, signals.count(LIMITS)) + min(1, signals.numbers))


SCORERS: dict[str, Scorer] = {
    "relevance": _relevance,
    "situation": _situation,
    "action": _action,
    "result": _result,
    "specificity": _specificity,
    "clarity": _clarity,
    "correctness": _correctness,
    "reasoning": _reasoning,
    "depth": _depth,
}


def _reason(key: str, score: int | None, language: str) -> str:
    if score is None:
        return texts.CANNOT_TELL[language]
    level = "high" if score >= GOOD_ENOUGH else "middle" if score == MIDDLE else "low"
    return texts.REASONS[language][key][level]


def _response_type(signals: Signals) -> str:
    if signals.first_sentence_with(HABIT):
        return "pseudo_story"
    if signals.actions >= 2:
        return "story"
    if signals.actions == 1:
        return "example"
    if signals.first_sentence_with(SELF_DESCRIPTION):
        return "self_description"
    return "opinion" if signals.first_sentence_with(OPINION) else "other"


def _strengths(
    scores: Mapping[str, int | None], signals: Signals, language: str
) -> list[dict[str, str]]:
    """What works, less what the fixes are about to call missing."""
    found = (
        ("measured", "result", signals.first_sentence_with(RESULT, NUMBER)),
        ("reasoned", "action", signals.first_sentence_with(OWN_ACTION, REASON)),
        ("own_action", "action", signals.first_sentence_with(OWN_ACTION)),
        ("own_task", "situation", signals.first_sentence_with(OWN_TASK)),
        ("learnt", "result", signals.first_sentence_with(LEARNT)),
    )
    strengths: dict[str, dict[str, str]] = {}
    for key, criterion, sentence in found:
        if (scores.get(criterion) or MIDDLE) < MIDDLE:
            continue
        if sentence is not None and sentence not in strengths:
            text = texts.STRENGTHS[language][key]
            strengths[sentence] = {"text": text, "quote": _quote(sentence)}
    return list(strengths.values())[:MAX_POINTS]


def _fixes(
    scores: Mapping[str, int | None], signals: Signals, language: str
) -> list[dict[str, Any]]:
    weak = [
        (score, key) for key, score in scores.items() if score is not None and score < GOOD_ENOUGH
    ]
    weakest = sorted(weak, key=lambda pair: pair[0])[:MAX_POINTS]
    return [
        {
            "criterion": key,
            "quote": _place_to_mend(key, signals),
            "why": texts.REASONS[language][key]["low" if score < MIDDLE else "middle"],
            "try_this": texts.TRY_THIS[language][key],
        }
        for score, key in weakest
    ]


def _place_to_mend(key: str, signals: Signals) -> str | None:
    sentence = None
    if key == "action":
        sentence = signals.first_sentence_with(WE)
    elif key == "result":
        sentence = signals.first_sentence_with(RESULT)
    elif key == "specificity":
        sentence = signals.first_sentence_with(HABIT)
    return None if sentence is None else _quote(sentence)


def _quote(sentence: str) -> str:
    """At most QUOTE_MAX_WORDS of the sentence, letter by letter."""
    words = list(re.finditer(r"\S+", sentence))[:QUOTE_MAX_WORDS]
    return sentence[: words[-1].end()]


def _rewrite(scores: Mapping[str, int | None], signals: Signals, language: str) -> str | None:
    """Their own sentences in the order of a story, with a placeholder for what is missing; None
    where nothing is missing or nothing is there."""
    given = [score for score in scores.values() if score is not None]
    if not given or min(given) >= GOOD_ENOUGH:
        return None
    situation = signals.first_sentence_with(SITUATION)
    actions = [each for each in signals.sentences if OWN_ACTION.search(each)][:4]
    results = [each for each in signals.sentences if RESULT.search(each)][:2]
    if not (actions or results):
        return None
    if situation and actions and signals.has_measured_result:
        return None
    gaps = texts.GAPS[language]
    parts = [situation or gaps["situation"], *(actions or [gaps["action"]])]
    parts += results or [gaps["result"]]
    if results and not signals.has_measured_result:
        parts.append(gaps["number"])
    return " ".join(_ended(part) for part in dict.fromkeys(parts))


def _ended(sentence: str) -> str:
    return sentence if sentence[-1] in ".!?" else f"{sentence}."
