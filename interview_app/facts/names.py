"""Names of firms, people and tools, months and weekdays, as far as a text shows that they are some.

English shows a name by its capital. At the start of a sentence, and in German everywhere, other
words have one too: there a word is a name where it is a known one, is written like one (SAP,
GitLab, S3), follows "bei" or stands before a legal form. What only a reader could tell is missed in
German, and an unusual first word of an English sentence is taken for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interview_app.facts.words import FIRMS, FIRST_WORDS, GERMAN_NOUNS, TOOLS

WORD = re.compile(r"[^\W_](?:[\w+#.&’'-]*[\w+#])?")
SENTENCE_START = re.compile(r"(?:^|[.!?:…\n]|[-–—•*]\s)[\s\"'“”„‚‘’»«(\[*]{0,6}$")
STRANGE = re.compile(r"[^\W\d_]\d|\d[^\W\d_]|[a-zà-ÿß][A-ZÀ-Þ]|\A[A-ZÀ-Þ]{2}")
MONTHS = (
    "january|januar", "february|februar", "march|märz", "april", "may|mai", "june|juni",
    "july|juli", "august", "september", "october|oktober", "november", "december|dezember",
)  # fmt: skip
WEEKDAYS = (
    "monday|montag", "tuesday|dienstag", "wednesday|mittwoch", "thursday|donnerstag",
    "friday|freitag", "saturday|samstag|sonnabend", "sunday|sonntag",
)  # fmt: skip
DATES = {
    word: number for number, words in enumerate(MONTHS + WEEKDAYS) for word in words.split("|")
}
MAY_THE_VERB = re.compile(r"\s{1,3}(?:I|it|we|be|not|have|this|that|the)\b")
LEGAL_FORM = re.compile(r"\s{1,3}(?:GmbH|AG|SE|KG|OHG|Inc|Ltd|LLC|AB|e\.\s?V)\b")
AT = re.compile(r"\b(?:bei(?: der| den)?|beim|firma|namens)\s+$", re.IGNORECASE)


def dates_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of each month and weekday; "may" and "march" only with a capital."""
    for match in re.finditer(r"[^\W\d_]+", text):
        number = DATES.get(match.group().casefold().removesuffix("s"))
        is_verb = match.group() in ("may", "march") or (
            match.group() == "May" and MAY_THE_VERB.match(text, match.end())
        )
        if number is not None and not is_verb:
            yield match.start(), match.end(), number


def invented_names(rewrite: str, answer: str, language: str) -> Iterator[tuple[int, int]]:
    known = _known_words(answer)
    for match in WORD.finditer(rewrite):
        word = _bare(match.group())
        parts = [part for part in re.split(r"[-–/]", word) if part]
        if word.casefold() in known or all(part.casefold() in known for part in parts):
            continue
        if any(_is_name(part, rewrite, match, language) for part in [word, *parts]):
            yield match.span()


def _is_name(word: str, text: str, match: re.Match[str], language: str) -> bool:
    folded = word.casefold()
    if folded in TOOLS or (folded in FIRMS and word[:1].isupper()):
        return True
    if folded in DATES or not word[:1].isupper() or folded in ("i", "i'm", "i've", "i'd", "i'll"):
        return bool(STRANGE.search(word)) and not word.isdecimal() and not _is_amount(word)
    if STRANGE.search(word) or LEGAL_FORM.match(text, match.end()):
        return True
    if language == "de":
        before = text[max(0, match.start() - 20) : match.start()]
        return bool(AT.search(before)) and folded not in GERMAN_NOUNS
    if SENTENCE_START.search(text[max(0, match.start() - 40) : match.start()]):
        return folded not in FIRST_WORDS and not folded.endswith(("ing", "ly"))
    return True


def _is_amount(word: str) -> bool:
    """ "20k" and "3x" are numbers with a unit: `numbers` looks at them."""
    return bool(re.fullmatch(r"[\d.,:]+[^\W\d_]{0,3}", word))


def _known_words(answer: str) -> set[str]:
    words = {_bare(match.group()).casefold() for match in WORD.finditer(answer)}
    return words | {part for word in words for part in re.split(r"[-–/]", word)}


def _bare(word: str) -> str:
    return re.sub(r"[’']s?$", "", word)
