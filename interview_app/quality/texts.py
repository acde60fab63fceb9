"""What a person would read of a result, and how it is held against the answer once more.

Deliberately written a second time and otherwise than the guards (`evidence`, `facts`): a fault in a
guard must not hide itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from interview_app.kinds.feedback_analysis import Analysis

TOKEN = re.compile(r"[^\W_]+")
DIGITS = re.compile(r"\d+")
LIKE_A_NAME = re.compile(r"\b(?:[A-ZÄÖÜ]{2,}|[A-Z]?[a-z]+[A-Z]\w*|[A-Za-z]+\d\w*)\b")
PLACEHOLDER = re.compile(r"\[[^\[\]]*\]")
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\ufeff"))
COPIED_WORDS = 8
"""So many words in a row that stand in the question are no words of one's own."""


def tokens(text: str) -> list[str]:
    return TOKEN.findall(unicodedata.normalize("NFKC", text).translate(UNSEEN).casefold())


def sentences(analysis: Analysis) -> list[str]:
    """All that is said to the candidate, without the quotes."""
    return [
        text
        for text in (
            *(each["reason"] for each in analysis.criteria),
            *(each.text for each in analysis.strengths),
            *(text for each in analysis.fixes for text in (each.why, each.try_this)),
            analysis.rewrite or "",
        )
        if text
    ]


def quotes(analysis: Analysis) -> list[str]:
    of_fixes = (each.quote for each in analysis.fixes)
    of_strengths = (each.quote for each in analysis.strengths)
    return [quote for quote in (*of_strengths, *of_fixes) if quote is not None]


def has_run(run: list[str], text: list[str]) -> bool:
    """Whether these tokens stand in the text one after another."""
    return any(text[at : at + len(run)] == run for at in range(len(text) - len(run) + 1))


def stands_in(quote: str, answer: str) -> bool:
    said, inner = tokens(answer), tokens(quote)
    return bool(inner) and has_run(inner, said)


def invented(rewrite: str, answer: str) -> Iterator[str]:
    """Digits, and words written like names, that the answer lacks; outside of placeholders."""
    text = PLACEHOLDER.sub(" ", rewrite)
    known = set(DIGITS.findall(answer)) | {str(int(each)) for each in DIGITS.findall(answer)}
    yield from (each for each in DIGITS.findall(text) if each not in known)
    said = set(tokens(answer))
    yield from (each for each in LIKE_A_NAME.findall(text) if not set(tokens(each)) <= said)


def copies(text: str, question: str) -> bool:
    """Whether most of it are words of the question in their order."""
    said, asked = tokens(text), tokens(question)
    runs = (said[at : at + COPIED_WORDS] for at in range(len(said) - COPIED_WORDS + 1))
    copied = sum(has_run(run, asked) for run in runs)
    return copied > 0 and (copied + COPIED_WORDS - 1) * 2 >= len(said)
