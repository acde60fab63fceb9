"""Dates and spans of time as résumés write them, in English and German."""

from __future__ import annotations

import re

MONTHS = (
    r"(?:jan(?:uary|uar)?|jän(?:ner)?|feb(?:ruary|ruar)?|märz|mär|mrz|mar(?:ch)?|apr(?:il)?|may|mai"
    r"|june?|juni|july?|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?"
    r"|de[cz](?:ember)?)\b\.?"
)
YEAR = r"(?:19|20)\d\d"
DATE = (
    rf"(?:(?:\d{{1,2}}\.? )?{MONTHS},? ?(?:\d{{1,2}}, ?)?{YEAR}|(?:\d{{1,2}}[./])?\d{{1,2}}[./]"
    rf" ?{YEAR}|{YEAR}[-/](?:0\d|1[0-2])(?:-\d\d)?(?!\d)|{YEAR})(?!\w)"
)
NOW = r"(?:present|now|today|current(?:ly)?|ongoing|heute|jetzt|aktuell|laufend|dato)\b"
DASH = r" {0,3}(?:[-–—−‐~]|to\b|till?\b|until\b|bis\b) {0,3}"
BEFORE = r"(?<![\w.,/€$£-])"

SPAN = re.compile(
    rf"{BEFORE}(?:(?:from|von) )?{DATE}{DASH}(?:(?:{NOW}|{DATE})|(?=$|[)\]|]))"
    rf"|(?<!\w)(?:since|seit|ab) {DATE}",
    re.IGNORECASE,
)
ONE_DATE = re.compile(rf"{BEFORE}{DATE}", re.IGNORECASE)
IS_NOW = re.compile(rf"\b{NOW}|\b(?:since|seit|ab)\b|[-–—]\s*\Z", re.IGNORECASE)
NUMBERS = re.compile(rf"({YEAR})(?:[-/](\d\d))?|(\d{{1,2}})[./] ?({YEAR})")
NAMED_MONTH = re.compile(rf"({MONTHS}),? ?(?:\d{{1,2}}, ?)?({YEAR})", re.IGNORECASE)
MONTH_STARTS = {
    "jän": 1, "jan": 1, "feb": 2, "mai": 5, "may": 5, "m": 3, "apr": 4, "jun": 6, "jul": 7,
    "aug": 8, "sep": 9, "o": 10, "nov": 11, "de": 12,
}  # fmt: skip
FOREVER = 9999


def recency(dates: str) -> tuple[int, int]:
    """A sort key, the newest first: end, then start, in months, negated. No date: behind all."""
    months = [_months(year, month) for year, month in _points(dates)]
    if not months:
        return (1, 0)
    end = FOREVER * 12 if IS_NOW.search(dates) else max(months)
    return (-end, -min(months))


def _months(year: int, month: int) -> int:
    return year * 12 + month


def _points(dates: str) -> list[tuple[int, int]]:
    named = [(int(year), _number(month)) for month, year in NAMED_MONTH.findall(dates)]
    rest = NAMED_MONTH.sub(" ", dates)
    numbers = [
        (int(year or late_year), min(int(month or early_month or 1), 12))
        for year, month, early_month, late_year in NUMBERS.findall(rest)
    ]
    return named + numbers


def _number(month: str) -> int:
    name = month.casefold()
    return next(number for start, number in MONTH_STARTS.items() if name.startswith(start))
