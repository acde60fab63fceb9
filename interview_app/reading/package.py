"""Zip packages (.docx, .odt) and the XML in them, opened within limits."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from urllib.parse import unquote

from lxml import etree

from interview_app.reading.reading import Refused
from interview_app.resume_limits import (
    MAX_MEMBERS,
    MAX_UNZIPPED_BYTES,
    MAX_XML_BYTES,
    PASSWORD,
    TOO_LARGE,
    UNREADABLE,
)

BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


def parsed_xml(data: bytes) -> etree._Element:
    """The root. Entities stay unexpanded, nothing is fetched, depth ends at libxml2's 256."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise Refused(UNREADABLE) from None


def local_name(element: etree._Element) -> str:
    """Strict and transitional files differ in their namespaces alone."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str) -> str | None:
    """By its local name, whatever its namespace."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


class Package:
    """Parts are found whatever the case of their names, as the standard (OPC, 6.2.2.3) asks."""

    def __init__(self, data: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except BROKEN_ZIP:
            raise Refused(UNREADABLE) from None
        members = self._archive.infolist()
        if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNZIPPED_BYTES:
            raise Refused(TOO_LARGE)
        if any(member.flag_bits & 1 for member in members):
            raise Refused(PASSWORD)
        self._members = {m.filename.replace("\\", "/").lstrip("/").lower(): m for m in members}

    def bytes_of(self, part: str) -> bytes | None:
        member = self._members.get(part.lower())
        if member is None:
            return None
        try:
            return self._archive.read(member)
        except BROKEN_ZIP:
            raise Refused(UNREADABLE) from None

    def xml(self, part: str) -> etree._Element | None:
        data = self.bytes_of(part)
        if data is not None and len(data) > MAX_XML_BYTES:
            raise Refused(TOO_LARGE)
        return None if data is None else parsed_xml(data)

    def relationships(self, part: str) -> dict[str, tuple[str, str]]:
        """By id: the last word of the type, and the target's name in the package."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", name + ".rels"))
        found: dict[str, tuple[str, str]] = {}
        for each in () if root is None else root:
            if each.get("TargetMode") == "External":
                continue
            target = unquote(each.get("Target", "")).replace("\\", "/")
            whole = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[each.get("Id", "")] = (each.get("Type", "").rpartition("/")[2], whole)
        return found
