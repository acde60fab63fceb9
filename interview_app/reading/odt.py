"""A LibreOffice or OpenDocument text: body, boxes, tables and notes, with headers and footers."""

from __future__ import annotations

import re

from lxml import etree

from interview_app.reading.package import Package, attribute, local_name
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import OTHER_PACKAGE, PASSWORD, UNREADABLE

UNSEEN = frozenset(
    (
        "tracked-changes", "annotation", "annotation-end", "sequence-decls", "variable-decls",
        "user-field-decls", "forms", "desc", "title", "note-citation", "ruby-text", "hidden-text",
        "bookmark-start", "bookmark-end", "scripts", "event-listeners", "binary-data",
    )
)  # fmt: skip


def read(data: bytes) -> Reading:
    package = Package(data)
    manifest = package.bytes_of("META-INF/manifest.xml") or b""
    if b"encryption-data" in manifest:
        raise Refused(PASSWORD)
    content = package.xml("content.xml")
    body = None if content is None else content.find(".//{*}body/{*}text")
    if body is None:
        raise Refused(UNREADABLE if content is None else OTHER_PACKAGE)
    walk = _Walk()
    text = walk.children(body)
    top, foot = _margins(package, walk)
    return Reading("\n".join([*top, text, *walk.notes, *foot]))


def _margins(package: Package, walk: _Walk) -> tuple[list[str], list[str]]:
    styles = package.xml("styles.xml")
    found: tuple[dict[str, None], dict[str, None]] = ({}, {})
    for node in () if styles is None else styles.iterfind(".//{*}master-page/*"):
        for texts, names in zip(found, (("header",), ("footer",)), strict=True):
            if local_name(node).split("-")[0] in names and attribute(node, "display") != "false":
                texts[walk.children(node)] = None
    return list(found[0]), list(found[1])


class _Walk:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self._boxes: list[str] = []

    def children(self, node: etree._Element) -> str:
        parts = [_squeezed(node.text)]
        for child in node:
            parts += [self._piece(child), _squeezed(child.tail)]
        return "".join(parts)

    def _piece(self, node: etree._Element) -> str:
        name = local_name(node)
        if not name or name in UNSEEN:
            return ""
        handler = getattr(self, f"_read_{name.replace('-', '_')}", None)
        return str(handler(node)) if handler else self.children(node)

    def _read_p(self, node: etree._Element) -> str:
        outer, self._boxes = self._boxes, []
        text = self.children(node)
        boxes, self._boxes = "".join(self._boxes), outer
        return f"{boxes}{text}\n"

    _read_h = _read_p

    def _read_text_box(self, node: etree._Element) -> str:
        self._boxes.append(self.children(node))
        return ""

    def _read_list_item(self, node: etree._Element) -> str:
        text = self.children(node)
        return f"• {text}" if text.strip() and not text.startswith("• ") else text

    def _read_table_row(self, node: etree._Element) -> str:
        cells = [self.children(cell).strip() for cell in node if local_name(cell) == "table-cell"]
        filled = [cell for cell in cells if cell]
        one_line = not any("\n" in cell for cell in filled)
        return (" | " if one_line else "\n").join(filled) + "\n" if filled else ""

    def _read_note(self, node: etree._Element) -> str:
        self.notes.append(self.children(node))
        return ""

    def _read_s(self, node: etree._Element) -> str:
        count = attribute(node, "c") or "1"
        return " " * min(int(count) if count.isdecimal() else 1, 20)

    def _read_tab(self, node: etree._Element) -> str:
        return "\t"

    def _read_line_break(self, node: etree._Element) -> str:
        return "\n"


def _squeezed(text: str | None) -> str:
    """Runs of white space are one blank; lines of the XML file itself are none."""
    if not text or (not text.strip() and "\n" in text):
        return ""
    return re.sub(r"\s+", " ", text)
