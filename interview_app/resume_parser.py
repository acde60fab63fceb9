"""Reads the text of a .pdf or .docx in a process of its own.

`python -m interview_app.resume_parser` gets the kind of file as argument and the file on stdin;
prints one JSON object, `{"text"}` or `{"refused"}`. Whatever a hostile or broken file does
(loops, eats memory, crashes the library) ends with this process, and its exit status says so.
Imports nothing of Django, so that it starts fast.
"""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator

from docx import Document
from docx.table import Table
from pypdf import PdfReader

from interview_app.resume_limits import (
    CPU_SECONDS,
    MAX_CHARACTERS,
    MAX_MEMBERS,
    MAX_PAGES,
    MAX_UNZIPPED_BYTES,
    MEMORY_BYTES,
    NICENESS,
    NO_TEXT,
    TOO_LARGE,
    UNREADABLE,
)


class Refused(Exception):
    """The file cannot be used; the argument says why."""


def main() -> None:
    limit_resources()
    try:
        answer = {"text": read_text(sys.argv[1], sys.stdin.buffer.read())}
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(answer))


def limit_resources() -> None:
    os.nice(NICENESS)  # behind the pages
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # macOS refuses to limit the address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # The libraries complain about odd files on stderr, with words from them.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def read_text(kind: str, data: bytes) -> str:
    text = "".join(_clipped(READERS[kind](data))).strip()
    if not text:
        raise Refused(NO_TEXT)
    return text


def _pdf_text(data: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused(UNREADABLE)
    if len(reader.pages) > MAX_PAGES:
        raise Refused(TOO_LARGE)
    for page in reader.pages:
        yield page.extract_text() + "\n"


def _docx_text(data: bytes) -> Iterator[str]:
    _refuse_zip_bomb(data)
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            yield from (_row_text([cell.text for cell in row.cells]) for row in block.rows)
        else:
            yield block.text + "\n"


def _row_text(cells: list[str]) -> str:
    # A merged cell comes once for each column that it spans.
    return " | ".join(dict.fromkeys(cell.strip() for cell in cells if cell.strip())) + "\n"


def _refuse_zip_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    if "word/document.xml" not in {each.filename for each in members}:
        raise Refused(UNREADABLE)
    if len(members) > MAX_MEMBERS or sum(each.file_size for each in members) > MAX_UNZIPPED_BYTES:
        raise Refused(TOO_LARGE)


def _clipped(parts: Iterator[str]) -> Iterator[str]:
    """Stops reading soon after there is more text than anybody could keep."""
    length = 0
    for part in parts:
        yield part
        length += len(part)
        if length > MAX_CHARACTERS:
            return


READERS: dict[str, Callable[[bytes], Iterator[str]]] = {"pdf": _pdf_text, "docx": _docx_text}

if __name__ == "__main__":
    main()
