"""What each reader is asked: one process, one file, its text on stdout.

`python readers.py NAME FILE` in the environment of the tools. Ours runs in the product's.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def pypdf(path: str, mode: str = "plain") -> str:
    pages = import_module("pypdf").PdfReader(path).pages
    return "\n".join(page.extract_text(extraction_mode=mode) for page in pages)


def pypdf_layout(path: str) -> str:
    return pypdf(path, "layout")


def pdfminer(path: str) -> str:
    return str(import_module("pdfminer.high_level").extract_text(path))


def pdfplumber(path: str) -> str:
    with import_module("pdfplumber").open(path) as document:
        return "\n".join(page.extract_text() or "" for page in document.pages)


def pypdfium2(path: str) -> str:
    document = import_module("pypdfium2").PdfDocument(path)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def pymupdf(path: str) -> str:
    return "\n".join(page.get_text() for page in import_module("pymupdf").open(path))


def docx2txt(path: str) -> str:
    return str(import_module("docx2txt").process(path))


def mammoth(path: str) -> str:
    with open(path, "rb") as file:
        return str(import_module("mammoth").extract_raw_text(file).value)


def markitdown(path: str) -> str:
    return str(import_module("markitdown").MarkItDown().convert(path).text_content)


def python_docx(path: str) -> str:
    """Paragraphs and tables, as its documentation has it."""
    document: Any = import_module("docx").Document(path)
    rows = [" | ".join(c.text for c in row.cells) for t in document.tables for row in t.rows]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *rows])


def striprtf(path: str) -> str:
    with open(path, encoding="latin-1") as file:
        return str(import_module("striprtf.striprtf").rtf_to_text(file.read(), errors="ignore"))


if __name__ == "__main__":
    sys.stdout.buffer.write(globals()[sys.argv[1]](sys.argv[2]).encode("utf-8", "replace"))
