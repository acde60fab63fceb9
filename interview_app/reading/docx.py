"""A Word file's text as its reader sees it: the final view, with boxes, headers and notes.

Walks the XML itself: libraries that offer paragraphs and tables pass over content controls, text
boxes, tracked insertions, smart tags and fields without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from lxml import etree

from interview_app.reading.docx_lists import ListMarks
from interview_app.reading.html import html_text, mhtml_text
from interview_app.reading.package import Package, attribute, local_name
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import EMBEDDED_FILE, OTHER_PACKAGE, UNREADABLE

# Deleted and moved away, properties, codes of fields, readings above Asian characters.
UNSEEN = frozenset(
    "del moveFrom pPr rPr tblPr tblGrid trPr tcPr sectPr sdtPr sdtEndPr instrText delText"  # noqa: SIM905
    " delInstrText rt binData docPr cNvPr shapetype annotation annotationRef".split()
)
# A private-use place in Symbol or Wingdings that stands for a bullet.
BULLET_SYMBOLS = frozenset(("F0B7", "F0A7", "F0A8", "F076", "F0D8", "F0FC", "F06E", "F071"))
CHARACTERS = {
    "tab": "\t",
    "ptab": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "\u2011",
    "softHyphen": "\u00ad",
}


def read(data: bytes) -> Reading:
    return Reading(WordText(Package(data)).whole())


class WordText:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._part = _main_part(package)
        root = package.xml(self._part)
        if root is None or local_name(root) != "document":
            raise Refused(UNREADABLE if root is None else OTHER_PACKAGE)
        self._root = root
        self._targets = package.relationships(self._part)
        self._marks = ListMarks(self._related("styles"), self._related("numbering"))
        self._boxes: list[str] = []
        self._fields: list[bool] = []
        """One entry an open field, innermost last: whether its result has begun."""
        self._notes: list[tuple[str, str]] = []

    def whole(self) -> str:
        body = self._text(self._root)
        top, foot = self._margins("headerReference"), self._margins("footerReference")
        return "\n".join([*top, body, *self._note_texts(), *foot])

    def _related(self, kind: str) -> etree._Element | None:
        part = next((part for each, part in self._targets.values() if each == kind), None)
        return self._package.xml(part) if part else None

    def _text(self, element: etree._Element) -> str:
        return "".join(self._piece(child) for child in element)

    def _piece(self, node: etree._Element) -> str:
        name = local_name(node)
        if not name or name in UNSEEN:
            return ""
        if handler := getattr(self, f"_read_{name}", None):
            return str(handler(node))
        if name in CHARACTERS:
            return CHARACTERS[name] if self._is_shown() else ""
        return self._text(node)

    def _is_shown(self) -> bool:
        return all(self._fields)

    def _read_t(self, node: etree._Element) -> str:
        return (node.text or "") if self._is_shown() else ""

    def _read_r(self, run: etree._Element) -> str:
        hidden = run.find("{*}rPr/{*}vanish")
        if hidden is not None and attribute(hidden, "val") not in ("0", "false", "off"):
            return ""
        return self._text(run)

    def _read_sym(self, node: etree._Element) -> str:
        code = (attribute(node, "char") or "").upper()
        return "•" if code in BULLET_SYMBOLS else " "

    def _read_fldChar(self, node: etree._Element) -> str:
        kind = attribute(node, "fldCharType")
        if kind == "begin":
            self._fields.append(False)
        elif self._fields and kind == "separate":
            self._fields[-1] = True
        elif self._fields and kind == "end":
            self._fields.pop()
        return ""

    def _read_p(self, paragraph: etree._Element) -> str:
        outer, self._boxes = self._boxes, []
        text = self._text(paragraph)
        boxes, self._boxes = "".join(self._boxes), outer
        if text.strip() and (mark := self._marks.of(paragraph)):
            text = f"{mark} {text.lstrip()}"
        # A deleted paragraph mark joins its paragraph to the next one.
        joined = paragraph.find("{*}pPr/{*}rPr/{*}del") is not None
        return boxes + text + ("" if joined else "\n")

    def _read_txbxContent(self, box: etree._Element) -> str:
        # A box floats beside the paragraph that holds it: its text goes before, not into it.
        fields, self._fields = self._fields, []
        self._boxes.append(self._text(box))
        self._fields = fields
        return ""

    def _read_AlternateContent(self, node: etree._Element) -> str:
        # The same box once as drawing and once for older programs.
        for alternative in node:
            before = len(self._boxes)
            text = self._text(alternative)
            if text.strip() or any(box.strip() for box in self._boxes[before:]):
                return text
        return ""

    def _read_relIds(self, node: etree._Element) -> str:
        """A SmartArt diagram: its words are in a part of their own."""
        part = self._targets.get(attribute(node, "dm") or "", ("", ""))[1]
        root = self._package.xml(part) if part else None
        if root is not None:
            paragraphs = (_drawn_text(each) for each in root.iter("{*}p"))
            self._boxes.append("".join(text + "\n" for text in paragraphs if text))
        return ""

    def _read_tbl(self, table: etree._Element) -> str:
        rows = (row for row in table.iter("{*}tr") if _table_of(row) is table)
        return "".join(self._row(row) for row in rows if not _is_deleted(row, "trPr", "del"))

    def _row(self, row: etree._Element) -> str:
        cells = [self._text(cell).strip() for cell in row.iter("{*}tc") if _is_own_cell(cell, row)]
        filled = [cell for cell in cells if cell]
        if not filled:
            return ""
        # One line each: a table of data. Else the cells lay out a page, one after the other.
        one_line = not any("\n" in cell for cell in filled)
        return (" | " if one_line else "\n").join(filled) + "\n"

    def _read_altChunk(self, node: etree._Element) -> str:
        part = self._targets.get(attribute(node, "id") or "", ("", ""))[1]
        data = self._package.bytes_of(part)
        ending = part.rpartition(".")[2].lower()
        if data is None or ending not in ("htm", "html", "xhtml", "mht", "mhtml", "txt"):
            raise Refused(EMBEDDED_FILE)
        if ending == "txt":
            return data.decode("utf-8", "replace") + "\n"
        return (mhtml_text(data) if ending.startswith("mht") else html_text(data)) + "\n"

    def _read_footnoteReference(self, node: etree._Element) -> str:
        return self._remember_note("footnotes", node)

    def _read_endnoteReference(self, node: etree._Element) -> str:
        return self._remember_note("endnotes", node)

    def _remember_note(self, kind: str, node: etree._Element) -> str:
        self._notes.append((kind, attribute(node, "id") or ""))
        return ""

    def _note_texts(self) -> Iterator[str]:
        notes: dict[tuple[str, str], etree._Element] = {}
        for kind in {kind for kind, _id in self._notes}:
            root = self._related(kind)
            for each in () if root is None else root:
                notes[kind, attribute(each, "id") or ""] = each
        for number in count():  # a note may refer to another one
            if number >= len(self._notes):
                return
            note = notes.pop(self._notes[number], None)
            if note is not None:
                yield self._text(note)

    def _margins(self, reference: str) -> list[str]:
        """Headers or footers that some page shows, each text once."""
        texts: dict[str, None] = {}
        for node in self._root.iter(f"{{*}}{reference}"):
            section = node.getparent()
            is_first = attribute(node, "type") == "first"
            if is_first and section is not None and section.find("{*}titlePg") is None:
                continue
            part = self._targets.get(attribute(node, "id") or "", ("", ""))[1]
            root = self._package.xml(part) if part else None
            if root is not None:
                texts[self._of_other_part(part, root)] = None
        return list(texts)

    def _of_other_part(self, part: str, root: etree._Element) -> str:
        targets, self._targets = self._targets, self._package.relationships(part)
        self._fields = []
        text = self._text(root)
        self._targets = targets
        return text


def _main_part(package: Package) -> str:
    """Found by its relationship: Word Online calls it document2.xml, others as they like."""
    for kind, part in package.relationships("").values():
        if kind == "officeDocument":
            return part
    raise Refused(OTHER_PACKAGE)


def _table_of(row: etree._Element) -> etree._Element | None:
    return next(row.iterancestors("{*}tbl"), None)


def _is_own_cell(cell: etree._Element, row: etree._Element) -> bool:
    """Of this row and not of a table inside; not the lower part of merged cells, nor deleted."""
    if next(cell.iterancestors("{*}tr"), None) is not row:
        return False
    for merge in ("vMerge", "hMerge"):
        node = cell.find(f"{{*}}tcPr/{{*}}{merge}")
        if node is not None and attribute(node, "val") != "restart":
            return False
    return not _is_deleted(cell, "tcPr", "cellDel")


def _is_deleted(node: etree._Element, properties: str, mark: str) -> bool:
    return node.find(f"{{*}}{properties}/{{*}}{mark}") is not None


def _drawn_text(paragraph: etree._Element) -> str:
    return "".join(each.text or "" for each in paragraph.iter("{*}t"))
