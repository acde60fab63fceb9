"""Which lines are read first: columns, labels beside their texts, and plain lines.

A page is cut at a gutter, a strip that no piece of text crosses. It is a column's only where both
sides are texts of their own: dates at the margin and labels beside a section are read with what
stands on their line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from interview_app.reading.pdf.glyphs import Glyph
from interview_app.reading.pdf.pieces import Piece, pieces_of, rows_of

Line = list[Piece]
Bands = list[tuple[list[Line], list[Line]]]
"""Labels, each with what stands beside it."""

DATE = re.compile(
    r"(?:19|20)\d\d|\d{1,2}[/.]\d{2,4}|present|current|today|now|heute|ongoing|jetzt|"
    r"^(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])",
    re.IGNORECASE,
)
YEAR = re.compile(r"(?:19|20)\d\d")
BEGINS_WITH_YEAR = re.compile(r"\A\W*+(?:\w++\.? |\d{1,2}[/.])?(?:19|20)\d\d")
MOSTLY = 0.4
MIN_ROWS = 3
LARGER = 1.05
SAME_EDGE = 1.5  # points
GUTTER = 0.6  # of the letter size
# Down to the next block, in usual steps from line to line: of labels, and of paragraphs.
LOOSE, TIGHT = 1.7, 1.15
# Down to the next row, in letter sizes: what stands so far below is another part of the page.
WIDE = 3.0
MAX_PIECES = 3_000
MAX_DEPTH = 12


@dataclass
class Gutter:
    """What stands on both sides, by the number of the row."""

    left: dict[int, Line]
    right: dict[int, Line]
    kind: str = ""

    @property
    def rows(self) -> range:
        numbers = self.left.keys() | self.right.keys()
        return range(min(numbers), max(numbers) + 1)

    @property
    def height(self) -> float:
        """How far both sides stand beside each other."""
        left, right = list(self.left.values()), list(self.right.values())
        return min(_y(left[0]), _y(right[0])) - max(_y(left[-1]), _y(right[-1]))


def ordered_lines(glyphs: list[Glyph]) -> list[Line]:
    rows = [pieces for row in rows_of(glyphs) if (pieces := pieces_of(row))]
    if sum(map(len, rows)) > MAX_PIECES:
        return rows
    return _ordered(rows, 0)


def with_whole_headings(lines: list[Line]) -> list[Line]:
    """A date at the margin goes behind its heading where that goes on in the next line.

    Told by the letters, which are larger than those of most lines, and the same in both."""
    usual = median(line[0].size for line in lines) if lines else 0.0
    for line, following in pairwise(lines):
        wraps = (
            len(line) == 2
            and len(following) == 1
            and DATE.search(_plain(line[1:]))
            and line[0].size > LARGER * usual
            and abs(line[0].size - following[0].size) < 0.1
            and abs(line[0].left - following[0].left) < SAME_EDGE
            and _y(line) - _y(following) < LOOSE * line[0].size
        )
        if wraps:
            following.append(line.pop())
    return lines


def _ordered(rows: list[Line], depth: int) -> list[Line]:
    gutter = _best_gutter(rows) if depth < MAX_DEPTH else None
    if gutter is None:
        return rows
    above, below = rows[: gutter.rows.start], rows[gutter.rows.stop :]
    beside = _labelled if gutter.kind == "labels" else _columns
    return [
        *_ordered(above, depth + 1),
        *beside(gutter, depth + 1),
        *_ordered(below, depth + 1),
    ]


def _columns(gutter: Gutter, depth: int) -> list[Line]:
    return [line for side in (gutter.left, gutter.right) for line in _ordered(_all(side), depth)]


def _labelled(gutter: Gutter, depth: int) -> list[Line]:
    """Each label, then what stands beside it."""
    lines: list[Line] = []
    for label, beside in _bands(_all(gutter.left), _all(gutter.right)):
        lines += [*_ordered(label, depth), *_ordered(beside, depth)]
    return lines


def _best_gutter(rows: list[Line]) -> Gutter | None:
    edges = sorted(piece.left for row in rows for piece in row)
    tried: list[float] = []
    found: list[Gutter] = []
    for edge in edges:
        if tried and edge - tried[-1] <= SAME_EDGE:
            continue
        tried.append(edge)
        found += _gutters_at(rows, edge)
    usable = [kept for gutter in found if (kept := _judged(gutter))]
    return max(usable, key=lambda gutter: gutter.height, default=None)


def _gutters_at(rows: list[Line], edge: float) -> list[Gutter]:
    """Runs of rows in which nothing reaches over the strip left of this edge."""
    gutters: list[Gutter] = []
    start = 0
    for number in range(len(rows) + 1):
        crossed = number == len(rows) or any(_crosses(piece, edge) for piece in rows[number])
        if not crossed and not (number > start and _is_far_below(rows[number - 1], rows[number])):
            continue
        if number - start >= MIN_ROWS and (gutter := _gutter(rows, start, number - 1, edge)):
            gutters.append(gutter)
        start = number + crossed
    return gutters


def _is_far_below(before: Line, line: Line) -> bool:
    return _y(before) - _y(line) > WIDE * max(piece.size for piece in line)


def _crosses(piece: Piece, edge: float) -> bool:
    return piece.left < edge - SAME_EDGE and piece.right > edge - GUTTER * piece.size


def _gutter(rows: list[Line], top: int, bottom: int, edge: float) -> Gutter | None:
    left, right = {}, {}
    for number in range(top, bottom + 1):
        if here := [piece for piece in rows[number] if piece.left < edge - SAME_EDGE]:
            left[number] = here
        if there := [piece for piece in rows[number] if piece.left >= edge - SAME_EDGE]:
            right[number] = there
    return Gutter(left, right) if len(left) >= 2 and len(right) >= 2 else None


def _judged(gutter: Gutter) -> Gutter | None:
    """The gutter with its kind; None where lines go on across it."""
    left, right = _all(gutter.left), _all(gutter.right)
    if _share_of_dates(right) >= MOSTLY:
        return None
    left_is_narrow = _width(left) <= _width(right)
    if left_is_narrow and (labels := _without_rest(gutter)) and _has_labels(labels):
        labels.kind = "labels"
        return labels
    narrow = left if left_is_narrow else right
    if len(narrow) < MIN_ROWS or _is_grid(left, right):
        return None
    gutter.kind = "columns"
    return gutter


def _has_labels(gutter: Gutter) -> bool:
    left, right = _all(gutter.left), _all(gutter.right)
    labels = len(_labels(left))
    if _share_of_dates(left) >= MOSTLY:
        return True
    if labels == 1:
        # Else names with their values, line by line.
        return len(right) > len(left) or _aligned(left, right) < 0.8 * len(left)
    return _stand_at_starts(left, right) or (labels > 2 and bool(_centred_bands(left, right)))


def _bands(left: list[Line], right: list[Line]) -> Bands:
    if not _stand_at_starts(left, right) and (centred := _centred_bands(left, right)):
        return centred
    labels = _labels(left)
    if len(labels) == 1:
        return [(left, right)]
    tops = [_y(label[0]) + 0.5 * label[0][0].size for label in labels]
    bands: Bands = [([], [line for line in right if _y(line) > tops[0]])]
    for label, top, end in zip(labels, tops, [*tops[1:], float("-inf")], strict=True):
        bands.append((label, [line for line in right if end < _y(line) <= top]))
    return bands


def _centred_bands(left: list[Line], right: list[Line]) -> Bands:
    """Rows of a table whose labels stand at half height; empty where there is no such table.

    As many parts as there are labels, cut where the right side's steps are widest; each label
    must stand within a part of its own.
    """
    labels = _labels(left)
    downs = [_y(before) - _y(after) for before, after in pairwise(right)]
    widest = sorted(range(len(downs)), key=lambda number: -downs[number])[: len(labels) - 1]
    cuts = sorted(number + 1 for number in widest)
    if len(labels) < 2 or len(cuts) < len(labels) - 1:
        return []
    bands: Bands = []
    for label, start, end in zip(labels, [0, *cuts], [*cuts, len(right)], strict=True):
        beside, reach = right[start:end], label[0][0].size
        if _y(label[0]) > _y(beside[0]) + reach or _y(label[-1]) < _y(beside[-1]) - reach:
            return []
        bands.append((label, beside))
    return bands


def _without_rest(gutter: Gutter) -> Gutter | None:
    """Without what stands at the left alone, above or below: it labels nothing."""
    right = _all(gutter.right)
    top, bottom = _y(right[0]) + right[0][0].size, _y(right[-1]) - right[-1][0].size
    below_top = [line for line in gutter.left.values() if _y(line) <= top]
    blocks = _labels(below_top) if below_top else []
    kept = {id(line) for block in blocks if _y(block[0]) >= bottom for line in block}
    left = {number: line for number, line in gutter.left.items() if id(line) in kept}
    return Gutter(left, gutter.right) if len(left) >= 2 else None


def _all(side: dict[int, Line]) -> list[Line]:
    return list(side.values())


def _share_of_dates(lines: list[Line]) -> float:
    dated = sum(bool(DATE.search(_plain(line))) for line in lines)
    return dated / len(lines)


def _stand_at_starts(narrow: list[Line], wide: list[Line]) -> bool:
    """Whether the narrow side's blocks begin where blocks of the wide side do."""
    blocks = _labels(narrow)
    if len(blocks) < 2:
        return False
    starts = [block[0] for block in _blocks(wide, TIGHT)]
    aligned = sum(
        any(abs(_y(block[0]) - _y(start)) <= 0.3 * block[0][0].size for start in starts)
        for block in blocks
    )
    return aligned >= 0.75 * len(blocks) and len(starts) >= len(blocks)


def _is_grid(left: list[Line], right: list[Line]) -> bool:
    """Short entries side by side: as many on the left as on the right, on the same rows, and few
    at the left that reach over to the right."""
    few, many = sorted((left, right), key=len)
    if len(few) < 0.8 * len(many) or _aligned(few, many) < 0.8 * len(few):
        return False
    edge, gutter = min(line[0].left for line in left), min(line[0].left for line in right)
    filled = sum(line[-1].right - edge > 0.8 * (gutter - edge) for line in left)
    return filled < 0.5 * len(left)


def _labels(lines: list[Line]) -> list[list[Line]]:
    """Blocks; and a date begins a label of its own, unless the one before it goes on in it."""
    labels: list[list[Line]] = []
    for block in _blocks(lines, LOOSE):
        labels.append([block[0]])
        for before, line in pairwise(block):
            date, last = _plain(line[:1]), _plain(before[:1]).rstrip()
            goes_on = last.endswith(("-", "–", "—", "to", "bis"))
            if BEGINS_WITH_YEAR.match(date) and YEAR.search(last) and not goes_on:
                labels.append([])
            labels[-1].append(line)
    return labels


def _aligned(narrow: list[Line], wide: list[Line]) -> int:
    """Lines that stand on the very baseline of one on the other side."""
    baselines = [_y(line) for line in wide]
    return sum(any(abs(_y(line) - y) < 0.08 * line[0].size for y in baselines) for line in narrow)


def _blocks(lines: list[Line], step: float) -> list[list[Line]]:
    """Lines parted where one goes further down than `step` times what is usual among them."""
    downs = [_y(before) - _y(after) for before, after in pairwise(lines)]
    usual = max(min(downs, default=0.0), min(line[0].size for line in lines))
    blocks = [[lines[0]]]
    for down, line in zip(downs, lines[1:], strict=True):
        if down > step * usual:
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _y(line: Line) -> float:
    return median(piece.y for piece in line)


def _width(lines: list[Line]) -> float:
    return max(line[-1].right for line in lines) - min(line[0].left for line in lines)


def _plain(line: Line) -> str:
    return "".join(glyph.text for piece in line for glyph in piece.glyphs)
