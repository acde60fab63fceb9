"""Facts about how an answer sounds, counted by code."""

from __future__ import annotations

import pytest

from interview_app.delivery import Spoken, delivery_of


@pytest.mark.parametrize(
    ("language", "text", "fillers"),
    [
        ("en", "Um, I sort of, um, did it.", [("um", 2), ("sort of", 1)]),
        ("en", "You know, I\n mean it.", [("you know", 1), ("i mean", 1)]),
        ("en", "The umbrella was a kind offer. I like it so well.", []),
        ("de", "Ähm, das war quasi, na ja, fertig.", [("ähm", 1), ("quasi", 1), ("na ja", 1)]),
        ("de", "Der Halter hielt an. Also ja, um acht.", []),
        ("xx", "Um, äh.", []),
    ],
)
def test_filler_words_are_counted(language: str, text: str, fillers: list[tuple[str, int]]) -> None:
    assert sorted(delivery_of(text, language=language).fillers) == sorted(fillers)


def test_length_is_told_as_words_and_as_time() -> None:
    facts = delivery_of("word " * 260, language="en")

    assert (facts.words, facts.speaking_seconds) == (260, 120)


def test_an_empty_answer_takes_no_time() -> None:
    facts = delivery_of("", language="en")

    assert (facts.words, facts.speaking_seconds, facts.fillers) == (0, 0, [])


@pytest.mark.parametrize(
    ("spoken", "pace"),
    [
        (Spoken(seconds=60, words=120), 120),
        (Spoken(seconds=90, words=120), 80),
        (Spoken(seconds=5, words=19), None),
        (Spoken(seconds=0, words=120), None),
        (None, None),
    ],
)
def test_pace_is_that_of_the_dictation(spoken: Spoken | None, pace: int | None) -> None:
    facts = delivery_of("More words than were spoken.", language="en", spoken=spoken)

    assert facts.words_a_minute == pace
