"""Feedback computed from an answer: three counts of sentences, and the first of each as a quote.

What cannot be counted gets no score. Words in all only limit: length alone earns nothing. Criteria
of an operator's own stand for the counts that no criterion with a known name takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interview_app.rubric import CRITERION_NAMES
from interview_app.scorability import WORD, has_words
from interview_app.simulation.request import read_request

MIN_WORDS = 3
MIN_TERM_LETTERS = 5
QUOTE_MAX_WORDS = 25
REWRITE_MAX_WORDS = 150
GOOD_ENOUGH = 3
WORDS_FOR_MORE = (10, 20, 35, 50)
"""An answer of fewer words has no score above 1, 2, 3, 4."""

SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")
NUMBER = re.compile(r"\d")
FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Ii]ch|[Mm]eine?[mnrs]?)\b")

CANNOT_TELL = {
    "en": "A simulated interviewer cannot judge this; it only counts.",
    "de": "Das kann eine Simulation nicht beurteilen; sie zählt nur.",
}
NOT_UNDERSTOOD = {"en": "Counted, not understood.", "de": "Gezählt, nicht verstanden."}
COUNTS = {
    "en": {
        "relevance": "Sentences with a word of the question: {count}.",
        "action": "Sentences with “I” or “my”: {count}.",
        "specificity": "Sentences with a number: {count}.",
    },
    "de": {
        "relevance": "Sätze mit einem Wort der Frage: {count}.",
        "action": "Sätze mit „ich“ oder „mein“: {count}.",
        "specificity": "Sätze mit einer Zahl: {count}.",
    },
}
TRY_THIS = {
    "en": {
        "relevance": "Take up the words of the question in your first sentence.",
        "action": "Tell two or three steps that begin with “I”.",
        "specificity": "Add a number: how many, how long, how much.",
    },
    "de": {
        "relevance": "Greif im ersten Satz die Wörter der Frage auf.",
        "action": "Erzähl zwei oder drei Schritte, die mit „Ich“ beginnen.",
        "specificity": "Nenn eine Zahl: wie viele, wie lange, wie viel.",
    },
}


def simulated_feedback(body: Mapping[str, Any]) -> dict[str, Any]:
    request = read_request(body)
    answer, language = request.block("candidate_answer"), request.language
    keys = list(request.schema["properties"]["criteria"]["properties"])
    counts = _counts_for(keys)
    counted = _patterns(request.block("question"))
    patterns = {key: counted[count] for key, count in counts.items()}
    found = {key: _sentences_with(patterns[key], answer) for key in patterns}
    said = {key: COUNTS[language][counts[key]].format(count=len(found[key])) for key in found}
    try_this = {key: TRY_THIS[language][counts[key]] for key in found}
    reasons = {key: f"{said[key]} {NOT_UNDERSTOOD[language]}" for key in said}
    most = _most(answer)
    scores = {key: min(most, 1 + len(found[key])) for key in found if most}
    weak = [key for key in sorted(scores, key=scores.__getitem__) if scores[key] < GOOD_ENOUGH]
    return {
        "criteria": {
            key: {
                "reason": reasons[key] if key in scores else CANNOT_TELL[language],
                "score": scores.get(key),
            }
            for key in keys
        },
        "response_type": "other",
        "strengths": [
            {"text": said[key], "quote": _quote(found[key][0], patterns[key])}
            for key in scores
            if scores[key] >= GOOD_ENOUGH
        ],
        "fixes": [
            {
                "criterion": key,
                "quote": None,
                "why": reasons[key],
                "try_this": try_this[key],
            }
            for key in weak
        ],
        "rewrite": _rewrite(answer, [try_this[key] for key in weak]),
    }


def _counts_for(keys: list[str]) -> dict[str, str]:
    """What is counted for each criterion that something is counted for, in their order."""
    free = (count for count in TRY_THIS["en"] if count not in keys)
    own = dict(zip((key for key in keys if key not in CRITERION_NAMES), free, strict=False))
    known = {key: key for key in keys if key in TRY_THIS["en"]}
    counts = known | own
    return {key: counts[key] for key in keys if key in counts}


def _patterns(question: str) -> dict[str, re.Pattern[str]]:
    asked = {word for word in WORD.findall(question) if len(word) >= MIN_TERM_LETTERS}
    any_asked = "|".join(sorted(asked)) or "(?!)"
    return {
        "relevance": re.compile(rf"\b(?:{any_asked})\b", re.IGNORECASE),
        "action": FIRST_PERSON,
        "specificity": NUMBER,
    }


def _sentences_with(pattern: re.Pattern[str], answer: str) -> list[str]:
    """Each once: to say it again earns nothing."""
    found = dict.fromkeys(each.strip() for each in SENTENCE_END.split(answer))
    return [sentence for sentence in found if pattern.search(sentence)]


def _most(answer: str) -> int:
    """The highest score that an answer of so many words can have; 0 for none at all."""
    words = len(WORD.findall(answer))
    if words < MIN_WORDS or not has_words(answer):
        return 0
    return 1 + sum(words >= enough for enough in WORDS_FOR_MORE)


def _quote(sentence: str, pattern: re.Pattern[str]) -> str:
    """The sentence, or what of it may be quoted from the counted word on, letter by letter."""
    found = pattern.search(sentence)
    if found and len(sentence.split()) > QUOTE_MAX_WORDS:
        sentence = sentence[found.start() :]
    return sentence[: list(re.finditer(r"\S+", sentence))[:QUOTE_MAX_WORDS][-1].end()]


def _rewrite(answer: str, gaps: list[str]) -> str | None:
    """Their own words, with a placeholder for each thing that there was too little of."""
    words = answer.split()
    if not gaps or len(words) > REWRITE_MAX_WORDS:
        return None
    return " ".join([*words, *(f"[{gap.rstrip('.')}]" for gap in gaps)])
