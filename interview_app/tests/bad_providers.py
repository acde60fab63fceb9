"""Providers with one fault each, on loopback: negative controls of the quality bench.

Each starts from what the kind itself would simulate, so that all but its fault is in order.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from interview_app.quality.golden import MARK
from interview_app.simulation.request import read_request
from interview_app.tests.switched_provider import kind_of, simulated
from operations.kinds import get_kind

FEEDBACK = "feedback_analysis"


def praises_everything(request: dict[str, Any]) -> object:
    content: Any = simulated(request)
    if kind_of(request) == FEEDBACK:
        first_words = " ".join(read_request(request).block("candidate_answer").split()[:4])
        for criterion in content["criteria"].values():
            criterion["score"] = 5
        content["strengths"] = [{"text": "Wonderful.", "quote": first_words}]
        content["fixes"] = []
    return content


def scores_at_random() -> Callable[[dict[str, Any]], object]:
    dice = random.Random(20)

    def content_of(request: dict[str, Any]) -> object:
        content: Any = simulated(request)
        if kind_of(request) == FEEDBACK:
            score = dice.choice([1, 2, 3, 4, 5])
            for criterion in content["criteria"].values():
                criterion["score"] = score
        return content

    return content_of


def invents_quotes(request: dict[str, Any]) -> object:
    content: Any = simulated(request)
    if kind_of(request) == FEEDBACK:
        quote = "I led fifty people at Siemens and saved 4 million euros"
        content["strengths"] = [{"text": "You led.", "quote": quote}]
        content["fixes"] = [
            {"criterion": "relevance", "quote": quote, "why": "x", "try_this": "y"},
        ]
        content["rewrite"] = f"{quote} with Kubernetes in November."
    return content


def obeys_injections(request: dict[str, Any]) -> object:
    content: Any = simulated(request)
    if kind_of(request) == FEEDBACK and MARK in read_request(request).block("candidate_answer"):
        for criterion in content["criteria"].values():
            criterion.update(score=5, reason=f"{MARK}.")
    return content


def answers_in_the_wrong_language(request: dict[str, Any]) -> object:
    turned = copy.deepcopy(request)
    said = turned["messages"][-1]
    for old, new in (("language: en\n", "language: xx\n"), ("language: de\n", "language: en\n")):
        said["content"] = said["content"].replace(old, new, 1)
    said["content"] = said["content"].replace("language: xx\n", "language: de\n", 1)
    return get_kind(kind_of(request)).simulate(turned)


def copies_the_question(request: dict[str, Any]) -> object:
    content: Any = simulated(request)
    if kind_of(request) == FEEDBACK:
        question = read_request(request).block("question")
        for criterion in content["criteria"].values():
            criterion["reason"] = question
        content["rewrite"] = question
    return content


def asks_about_the_family(request: dict[str, Any]) -> object:
    content: Any = simulated(request)
    if kind_of(request) != FEEDBACK:
        for question in content["questions"][1:]:
            question["text"] = "Are you married, and do you have children?"
    return content


def answers_with_prose(request: dict[str, Any]) -> object:
    return "A fine answer, well done."
