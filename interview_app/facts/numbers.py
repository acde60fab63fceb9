"""Numbers with their units, in digits or spelled out, English or German, wherever they stand.

"One", "ein" and the ordinals are left out: they are articles and order more often than numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

DIGITS = re.compile(r"\d+(?:[.,:'’]\d+)*")
GROUPED = re.compile(r"\d{1,3}(?:[.,'’]\d{3})+")
CURRENCY = {"$": "dollar", "€": "euro", "£": "pound", "US$": "dollar"}


def _counted(words: str, by: int = 1) -> dict[str, int]:
    """The words of the numbers from two on, or of their tens."""
    return {word: by * value for value, word in enumerate(words.split(), start=2)}


ENGLISH = _counted(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
) | _counted("twenty thirty forty fifty sixty seventy eighty ninety", by=10)
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
# As casefold writes them: "dreißig" is "dreissig".
GERMAN_UNITS = _counted(
    "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn"
)
GERMAN_TENS = _counted("zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig", by=10)
SHARES = {
    "half": "half", "halves": "half", "halved": "half", "halving": "half", "hälfte": "half",
    "halbiert": "half", "halbierte": "half", "halbierten": "half", "halbieren": "half",
    "twice": "double", "double": "double", "doubled": "double", "doubling": "double",
    "verdoppelt": "double", "verdoppelte": "double", "verdoppelten": "double",
    "doppelt": "double", "verdoppeln": "double", "tripled": "triple", "triple": "triple",
    "thrice": "triple", "verdreifacht": "triple", "verdreifachte": "triple",
    "quarter": "quarter", "viertel": "quarter", "drittel": "third", "thirds": "third",
    "quadrupled": "fourfold", "vervierfacht": "fourfold",
    "dozen": "12", "dutzend": "12", "dozens": "dozens", "dutzende": "dozens",
    "hundreds": "hundreds", "hunderte": "hundreds", "hunderten": "hundreds",
    "thousands": "thousands", "tausende": "thousands", "tausenden": "thousands",
    "millions": "millions",
}  # fmt: skip

UNITS = {
    "percent": r"%|per ?cents?|percentage points?|prozent(?:punkte?n?)?",
    "second": r"seconds?|secs?|sekunden?|s",
    "millisecond": r"milliseconds?|millisekunden?|ms",
    "minute": r"minutes?|mins?|minuten?",
    "hour": r"hours?|hrs?|stunden?|h",
    "day": r"days?|tagen?|tage|tag",
    "week": r"weeks?|wochen?",
    "month": r"months?|monate?n?",
    "year": r"years?|jahre?n?",
    "euro": r"euros?|eur|€",
    "dollar": r"dollars?|usd|\$",
    "pound": r"pounds?|gbp|£",
    "people": r"people|persons?|personen|leute?n?|menschen|mitarbeiter\w*|employees?|colleagues?"
    r"|kolleg\w+",
    "customer": r"customers?|clients?|kund\w+",
    "user": r"users?|nutzer\w*|benutzer\w*",
    "thousand": r"k|tsd",
    "million": r"million(?:en)?s?|mio|m(?:illion)?",
    "times": r"times|x|mal|-fold|fach",
    "kilometre": r"km|kilomet(?:er|re)s?n?",
    "kilogram": r"kg|kilos?|kilograms?|kilogramm",
    "gigabyte": r"gb|gigabytes?",
}
UNIT = re.compile(
    r"[\s\u00a0-]?(?:"
    + "|".join(f"(?P<{name}>(?:{forms}))" for name, forms in UNITS.items())
    + r")(?!\w)",
    re.IGNORECASE,
)
WORDS = re.compile(r"[^\W\d_]+")
JOINT = re.compile(r"(?:\s{1,3}and\s{1,3}|[\s-]{1,3})(?=[^\W\d_])")


@dataclass(frozen=True)
class Number:
    start: int
    end: int
    value: str
    """The same for "2,600", "2600" and "two thousand six hundred"."""
    unit: str | None
    unit_end: int
    unit_start: int


def numbers_of(text: str, language: str = "en") -> list[Number]:
    """In the order of the text; none overlaps another."""
    found = sorted([*_in_digits(text), *_in_words(text, language)], key=lambda each: each.start)
    kept: list[Number] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def units_of(text: str) -> set[str]:
    """Every unit that a text names, with or without a number."""
    padded = (UNIT.fullmatch(word) for word in re.findall(r"[^\W\d_]+|[%€$£]", text))
    return {str(each.lastgroup) for each in padded if each}


def _in_digits(text: str) -> Iterator[Number]:
    for match in DIGITS.finditer(text):
        before = text[max(0, match.start() - 4) : match.start()].rstrip()
        sign = next((each for each in CURRENCY if before.endswith(each)), "")
        start = text.rindex(sign, 0, match.start()) if sign else match.start()
        yield _with_unit(text, start, match.end(), _value(match.group()), CURRENCY.get(sign))


def _value(digits: str) -> str:
    if GROUPED.fullmatch(digits):
        return str(int(re.sub(r"\D", "", digits)))
    if digits.isdecimal():
        return str(int(digits))
    parts = re.split(r"[.,]", digits)
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        return f"{Decimal('.'.join(parts)).normalize():f}"
    return digits


def _with_unit(text: str, start: int, end: int, value: str, sign: str | None) -> Number:
    unit = UNIT.match(text, end)
    if sign or unit is None:
        return Number(start, end, value, sign, end, start)
    return Number(start, end, value, unit.lastgroup, unit.end(), end)


def _in_words(text: str, language: str) -> Iterator[Number]:
    at = 0
    while match := WORDS.search(text, at):
        word = match.group().casefold()
        at = match.end()
        if word == "half" and language == "de":
            continue  # the past tense of "helfen"
        if word in SHARES:
            yield _with_unit(text, match.start(), at, SHARES[word], None)
        elif (value := german_value(word)) is not None:
            yield _with_unit(text, match.start(), at, str(value), None)
        elif word in ENGLISH or word in SCALES:
            value, at = _english_from(text, match)
            yield _with_unit(text, match.start(), at, str(value), None)


def _english_from(text: str, first: re.Match[str]) -> tuple[int, int]:
    """The value of a run of English number words, and where it ends."""
    total, part, end = 0, 0, first.end()
    match: re.Match[str] | None = first
    while match and (word := match.group().casefold()) in ENGLISH | SCALES:
        end = match.end()
        if word in ENGLISH:
            part += ENGLISH[word]
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            total, part = total + max(part, 1) * SCALES[word], 0
        joint = JOINT.match(text, end)
        match = WORDS.match(text, joint.end()) if joint else None
    return total + part, end


def german_value(word: str) -> int | None:
    """Of "fünfundzwanzig", "dreihundert", "zweitausendvierhundert"; None for any other word."""
    for name, scale in (("tausend", 1000), ("hundert", 100)):
        before, found, after = word.partition(name)
        if found:
            head = 1 if before in ("", "ein") else german_value(before)
            rest = after.removeprefix("und")
            tail = 0 if not rest else german_value(rest)
            return None if head is None or tail is None else head * scale + tail
    if word in GERMAN_UNITS:
        return GERMAN_UNITS[word]
    if word in GERMAN_TENS:
        return GERMAN_TENS[word]
    one, found, ten = word.partition("und")
    if found and ten in GERMAN_TENS and (one == "ein" or one in GERMAN_UNITS):
        return GERMAN_TENS[ten] + (1 if one == "ein" else GERMAN_UNITS[one])
    return None
