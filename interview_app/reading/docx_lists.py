"""The mark that Word draws before a list's paragraph: in no text, but in numbering and styles."""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from interview_app.reading.package import attribute

MARKED = ("•", "-", "–", "*", "·", "▪")


class ListMarks:
    def __init__(self, styles: etree._Element | None, numbering: etree._Element | None) -> None:
        self._styles = _by_id(styles, "style", "styleId")
        self._numbers = _by_id(numbering, "num", "numId")
        self._abstract = _by_id(numbering, "abstractNum", "abstractNumId")
        self._counted: dict[tuple[str, int], int] = defaultdict(int)

    def of(self, paragraph: etree._Element) -> str:
        """ "•", "3." or nothing. Counts, so ask once a paragraph, in their order."""
        number, level = self._numbering_of(paragraph)
        shape = self._format(number, level)
        if shape in ("", "none"):
            return ""
        if shape == "bullet":
            text = "".join(str(each.text or "") for each in paragraph.iter("{*}t"))
            return "" if text.lstrip().startswith(MARKED) else "•"
        self._counted[number, level] += 1
        for deeper in range(level + 1, 9):
            self._counted.pop((number, deeper), None)
        return f"{self._counted[number, level]}."

    def _numbering_of(self, paragraph: etree._Element) -> tuple[str, int]:
        node = paragraph.find("{*}pPr/{*}numPr")
        style = _value(paragraph.find("{*}pPr/{*}pStyle"))
        for _ in range(10):  # styles that are based on one another in a circle
            if node is not None or style not in self._styles:
                break
            node = self._styles[style].find("{*}pPr/{*}numPr")
            style = _value(self._styles[style].find("{*}basedOn"))
        if node is None:
            return "0", 0
        level = _value(node.find("{*}ilvl")) or "0"
        return _value(node.find("{*}numId")) or "0", int(level) if level.isdecimal() else 0

    def _format(self, number: str, level: int) -> str:
        if number == "0" or number not in self._numbers:
            return ""
        abstract = self._abstract.get(_value(self._numbers[number].find("{*}abstractNumId")))
        for each in () if abstract is None else abstract.iterfind("{*}lvl"):
            if attribute(each, "ilvl") == str(level):
                return _value(each.find("{*}numFmt")) or "decimal"
        return ""


def _by_id(root: etree._Element | None, name: str, key: str) -> dict[str, etree._Element]:
    found = () if root is None else root.iterfind(f"{{*}}{name}")
    return {attribute(each, key) or "": each for each in found}


def _value(node: etree._Element | None) -> str:
    return "" if node is None else attribute(node, "val") or ""
