"""Markdown: its marks go, its words and lists stay."""

from __future__ import annotations

import re

from interview_app.reading import txt
from interview_app.reading.reading import Reading

MARKS = (
    (re.compile(r"\A---\n.*?\n---\n", re.S), ""),  # front matter
    (re.compile(r"<!--(?:(?!<!--|-->).)*+-->", re.S), ""),
    (re.compile(r"!\[([^\]\n]{0,300})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"\[([^\]\n]{1,300})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"^ {0,3}#{1,6}\s+|\s#+$", re.M), ""),
    (re.compile(r"^ {0,3}>\s?", re.M), ""),
    (re.compile(r"^( *)[*+-] (?=\S)", re.M), r"\1• "),
    (re.compile(r"^ {0,3}(?:[-*_] ?){3,}$", re.M), ""),
    (re.compile(r"^\|?[ :]*+-{3,}+[ :]*+(?:\|[ :]*+-{3,}+[ :]*+)*+\|?$", re.M), ""),
    (re.compile(r"(\*\*|__)(?=\S)([^\n*_]{1,500}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_])(?=\S)([^\n*_]{1,500}?)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"^ {0,3}```.*$", re.M), ""),
    (re.compile(r"</?[a-zA-Z][^>\n]{0,200}>"), ""),
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!|])"), r"\1"),
)


def read(data: bytes) -> Reading:
    reading = txt.read(data)
    for mark, kept in MARKS:
        reading.text = mark.sub(kept, reading.text)
    return reading
