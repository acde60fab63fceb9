"""Whether a text can be one that a person wrote. Looks at letters, knows no words."""

from __future__ import annotations

import re
import unicodedata

from interview_app.resume_limits import FEW_WORDS, GARBLED, GLUED_WORDS

LATIN_RUN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]+")
WORD = re.compile(r"[^\W\d_]{2,}")
NOT_TEXT = re.compile(r"\(cid:\d+\)|[\ufffd\ufffe\uffff]")
# The commonest letters of the languages that are written with Latin ones: together half of a text
# and more, whatever its language; in letters of a font without a map, a quarter.
COMMON = frozenset("etaoinsr")
COMMON_SHARE = 0.4
MIN_LETTERS = 60
# A part is short, and may be a list of abbreviations: only what is far off counts.
PART, PART_SHARE = 120, 0.33
SOME = 0.1  # of the parts
RIDDLED = re.compile(r"[^\W\d_](?:[^\w\s.@/:'’&+,\-–()#]+|\d)[^\W\d_]")
LONG_RUN = 22
GLUED_SHARE = 0.2
FEW = 15  # words; the shortest résumé that anybody practises with has more


def problems(text: str) -> list[str]:
    """Codes, worst first."""
    found = []
    if is_garbled(text) or garbled_share(text) > SOME:
        found.append(GARBLED)
    if _share_in_long_runs(text) > GLUED_SHARE:
        found.append(GLUED_WORDS)
    if len(WORD.findall(text)) < FEW:
        found.append(FEW_WORDS)
    return found


def badness(text: str) -> float:
    """To choose between two readings of one file: 0 is flawless, 1 is nothing."""
    if not WORD.search(text):
        return 1.0
    return max(
        _share_of_oddities(text),
        _share_in_long_runs(text),
        0.9 * is_garbled(text),
        garbled_share(text),
    )


def is_garbled(text: str) -> bool:
    return (
        _share_of_oddities(text) > 0.1
        or _is_no_language(text)
        or _is_riddled(text)
        or _has_hardly_letters(text)
    )


def _has_hardly_letters(text: str) -> bool:
    visible = [character for character in text if not character.isspace()]
    return len(visible) >= MIN_LETTERS and sum(map(str.isalpha, visible)) < 0.4 * len(visible)


def garbled_share(text: str) -> float:
    """Of its parts of some lines each: often one font of several says nothing of its letters."""
    parts: list[str] = [""]
    for line in text.split("\n"):
        if sum(map(str.isalpha, parts[-1])) >= PART:
            parts.append("")
        parts[-1] += line + "\n"
    garbled = sum(_is_no_language(part, PART_SHARE) or _is_riddled(part) for part in parts)
    return garbled / len(parts)


def _share_of_oddities(text: str) -> float:
    visible = sum(not character.isspace() for character in text)
    odd = sum(len(found) if len(found) > 1 else 1 for found in NOT_TEXT.findall(text))
    odd += sum(
        unicodedata.category(character) in ("Co", "Cn", "Cc")
        for character in text
        if character not in "\n\t\f"
    )
    return odd / visible if visible else 0.0


def _is_no_language(text: str, share: float = COMMON_SHARE) -> bool:
    """Letters that a font without a map gives: others than those that it shows."""
    bare = unicodedata.normalize("NFD", text.lower())
    letters = [character for character in bare if "a" <= character <= "z"]
    # Beside Cyrillic or Hebrew, Latin letters are names of tools: no text.
    if len(letters) < MIN_LETTERS or 2 * len(letters) < sum(map(str.isalpha, bare)):
        return False
    return sum(letter in COMMON for letter in letters) < share * len(letters)


def _is_riddled(text: str) -> bool:
    """Most words with signs or digits between their letters."""
    words = [word for word in text.split() if len(word) > 3]
    riddled = sum(bool(RIDDLED.search(word)) for word in words)
    return len(words) >= 10 and riddled > 0.4 * len(words)


def _share_in_long_runs(text: str) -> float:
    """Of the Latin letters; links and addresses are as long as they are."""
    bare = (word for word in text.split() if not set(word) & {"/", "@"} and "www." not in word)
    runs = [len(run) for word in bare for run in LATIN_RUN.findall(word)]
    long = [run for run in runs if run >= LONG_RUN]
    # One or two are words of German or Finnish.
    return sum(long) / sum(runs) if len(long) > 2 else 0.0
