"""Lines with Hebrew or Arabic in them: from the order on the page to the order of reading.

The page shows what the Unicode bidirectional algorithm (UAX 9) has laid out; this goes back, for
lines of one level of embedding, which résumés have.
"""

from __future__ import annotations

import unicodedata

MIRRORED = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))
RIGHT_TO_LEFT = ("R", "AL")
NUMBERS = ("EN", "AN")


def direction(character: str) -> str:
    return unicodedata.bidirectional(character[:1]) if character else "ON"


def is_right_to_left(characters: list[str]) -> bool:
    """Whether more letters run to the left than to the right."""
    kinds = [direction(each) for each in characters]
    leftwards = sum(kind in RIGHT_TO_LEFT for kind in kinds)
    return leftwards > 0 and leftwards >= kinds.count("L")


def in_reading_order(shown: list[str], *, rightwards: bool) -> str:
    """`shown` from left to right, one or more characters each."""
    kinds = [direction(each) for each in shown]
    if not any(kind in RIGHT_TO_LEFT for kind in kinds):
        return "".join(shown)
    if rightwards:
        return "".join(_with_turned_runs(shown, kinds))
    runs = _left_to_right_runs(shown, _with_arabic_numbers(kinds))
    parts: list[str] = []
    for first, last in reversed(runs):
        if last - first > 1 or kinds[first] in ("L", *NUMBERS):
            parts += shown[first:last]
        else:
            parts.append(MIRRORED.get(shown[first], shown[first]))
    return _with_matching_brackets("".join(parts))


def _with_matching_brackets(line: str) -> str:
    """pdfium has turned some brackets already and others not: what opens a pair comes first."""
    for opening, closing in ("()", "[]"):
        places = [at for at, character in enumerate(line) if character in (opening, closing)]
        if len(places) % 2 == 0:
            for number, at in enumerate(places):
                line = line[:at] + (closing if number % 2 else opening) + line[at + 1 :]
    return line


def _with_turned_runs(shown: list[str], kinds: list[str]) -> list[str]:
    """A line that runs to the right, with words in it that do not."""
    parts: list[str] = []
    index = 0
    while index < len(shown):
        end = index + 1
        if kinds[index] in RIGHT_TO_LEFT:
            for at in range(index, len(shown)):
                if kinds[at] == "L":
                    break
                if kinds[at] in RIGHT_TO_LEFT:
                    end = at + 1
            run = shown[index:end]
            parts.append(in_reading_order(run, rightwards=False))
        else:
            parts.append(shown[index])
        index = end
    return parts


def _left_to_right_runs(shown: list[str], kinds: list[str]) -> list[tuple[int, int]]:
    """Spans of the line: words and numbers that keep their order, everything else one by one."""
    runs: list[tuple[int, int]] = []
    index = 0
    while index < len(kinds):
        end = index + 1
        if kinds[index] == "L":
            end = _end_of_words(kinds, index)
            brackets = sum(each in MIRRORED for each in shown[index:end])
            end += brackets % 2 == 1 and "".join(shown[end : end + 1]) in MIRRORED
        elif kinds[index] in NUMBERS or _begins_a_number(kinds, index):
            end = _end_of_number(kinds, index)
        runs.append((index, end))
        index = end
    return runs


def _end_of_words(kinds: list[str], start: int) -> int:
    end = start + 1
    for at in range(start, len(kinds)):
        if kinds[at] in RIGHT_TO_LEFT:
            break
        if kinds[at] == "L" or kinds[at] in NUMBERS:
            end = at + 1
    return end


def _with_arabic_numbers(kinds: list[str]) -> list[str]:
    """Digits after an Arabic letter take no sign with them (rule W2): 5% is shown as %5."""
    changed, strong = list(kinds), ""
    for at in range(len(kinds) - 1, -1, -1):
        if kinds[at] in ("L", *RIGHT_TO_LEFT):
            strong = kinds[at]
        elif kinds[at] == "EN" and strong == "AL":
            changed[at] = "AN"
    return changed


def _begins_a_number(kinds: list[str], at: int) -> bool:
    return kinds[at] in ("ET", "ES") and kinds[at + 1 : at + 2] == ["EN"]


def _end_of_number(kinds: list[str], start: int) -> int:
    end = start + 1
    while end < len(kinds):
        around = (kinds[end - 1], *kinds[end + 1 : end + 2])
        if kinds[end] in (*NUMBERS, "L") or (kinds[end] == "ET" and "EN" in around):
            end += 1
        elif around in (("EN", "EN"), ("AN", "AN")) and (
            kinds[end] == "CS" or (kinds[end] == "ES" and around[0] == "EN")
        ):
            end += 2
        else:
            break
    return end
