"""A PDF's text, in the order in which a person reads the page.

pdfium gives characters and their places; the order is ours (decision 20). Where what comes out is
no text that anybody could read, pypdf reads the file as well, and the better one is taken.
"""

from __future__ import annotations

import importlib

from interview_app.reading.cleaning import cleaned
from interview_app.reading.pdf.document import Document
from interview_app.reading.pdf.page import page_text
from interview_app.reading.quality import badness, problems
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import FEW_WORDS, MAX_CHARACTERS, NO_TEXT, PICTURE_PAGES

# Words on a page that is otherwise a picture: a scanner's or an app's own line.
PICTURE_WORDS = 20


def read(data: bytes) -> Reading:
    pages: list[str] = []
    pictures = 0
    length = 0
    with Document(data) as document:
        for name, attached in document.attachments():
            if name.lower().endswith(".xml"):
                # Loaded only here, as the second reader is.
                europass = importlib.import_module("interview_app.reading.europass")
                if europass.is_europass(attached):
                    reading: Reading = europass.read(attached)
                    return reading
        for page in document.pages():
            pages.append(page_text(page))
            pictures += page.is_picture and len(pages[-1].split()) < PICTURE_WORDS
            length += len(pages[-1])
            if length > MAX_CHARACTERS:
                break
    text = _better("\n\f\n".join(pages), data)
    if pictures and pictures == len(pages):
        raise Refused(NO_TEXT)
    return Reading(text, [PICTURE_PAGES] if pictures else [])


def _better(text: str, data: bytes) -> str:
    clean = cleaned(text)[0]
    if not set(problems(clean)) - {FEW_WORDS} and clean:
        return text
    # Loaded only here: it takes longer than most files take to read.
    second = importlib.import_module("interview_app.reading.pdf.second")
    readings: list[str] = [text, *second.texts(data)]
    return min(readings, key=lambda each: badness(cleaned(each)[0]))
