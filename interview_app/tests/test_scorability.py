from __future__ import annotations

import pytest

from interview_app.scorability import not_scorable_reason
from interview_app.tests import samples


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fine", "too_short"),
        ("   I did it.            ", "too_short"),
        ("asdf asdf jkl; qwer asdf asdf", "no_words"),
        ("xkcd vbnm wrtzp qqqq klmpf ghjk", "no_words"),
        ("12345 67890 12345 67890", "no_words"),
        ("🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂", "no_words"),
        ("blah blah blah blah blah blah", "no_words"),
        ("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "no_words"),
    ],
)
def test_code_can_tell_what_cannot_be_scored(text: str, reason: str) -> None:
    assert not_scorable_reason(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        samples.STRONG_ANSWER,
        samples.WEAK_ANSWER,
        samples.GERMAN_ANSWER,
        samples.OFF_TOPIC_ANSWER,
        "I restarted the server and it worked.",
        "Ich habe den Wert bewertet und neu gesetzt.",
        "Jag byggde om betalningen och felen försvann helt.",
        "أعدت بناء نظام الدفع وانخفضت الأخطاء كثيرا",
        "我重写了支付系统，重复扣款从每月三十七次降到了零次，我学到了很多。",
        "Rebuilt payments: Django, PostgreSQL, Celery 🙂",
    ],
)
def test_an_answer_in_words_of_any_language_can_be_scored(text: str) -> None:
    assert not_scorable_reason(text) is None
