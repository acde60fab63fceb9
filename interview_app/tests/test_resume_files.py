from __future__ import annotations

import io
import zipfile

import pytest
from docx import Document
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, NumberObject

from interview_app.refusals import (
    FileTooLarge,
    TooManyPages,
    UnreadableFile,
    UnsupportedFileType,
)
from interview_app.resume_files import read_resume
from interview_app.resume_limits import OTHER_PACKAGE
from interview_app.resume_texts import NOT_WHAT_IT_CLAIMS, PICTURE_ONLY, REFUSED
from interview_app.tests.samples import MARA_RESUME, TOMASZ_RESUME, sample_bytes


def squeezed(text: str) -> str:
    return " ".join(text.split())


def saved(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def blank_pdf(pages: int) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=200, height=200)
    return saved(writer)


def picture_pdf() -> bytes:
    """One page that shows a picture and nothing else, as a scanner makes them."""
    writer = PdfWriter()
    page = writer.add_blank_page(width=200, height=200)
    picture = DecodedStreamObject()
    picture.set_data(b"\x00\x80\xff" * 4)
    picture.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(2),
            NameObject("/Height"): NumberObject(2),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
            NameObject("/BitsPerComponent"): NumberObject(8),
        }
    )
    names = DictionaryObject({NameObject("/Im0"): writer._add_object(picture)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): names})
    drawing = DecodedStreamObject()
    drawing.set_data(b"q 200 0 0 200 0 0 cm /Im0 Do Q")
    page[NameObject("/Contents")] = writer._add_object(drawing)
    return saved(writer)


def docx(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zip_file(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return buffer.getvalue()


def test_a_pdf_is_read() -> None:
    read = read_resume("resume.PDF", sample_bytes("resume-mara-lindqvist.pdf"))

    assert (read.source, read.warnings) == ("pdf", ())
    assert "Rebuilt payment capture for 410 garages" in read.text
    assert squeezed(read.text) == squeezed(MARA_RESUME)


def test_a_word_file_is_read() -> None:
    read = read_resume("Résumé.docx", sample_bytes("resume-tomasz-okafor.docx"))

    assert (read.source, read.warnings) == ("docx", ())
    assert squeezed(read.text) == squeezed(TOMASZ_RESUME)


def test_tables_of_a_word_file_are_read_in_their_place() -> None:
    document = Document()
    document.add_paragraph("Before")
    row = document.add_table(rows=1, cols=2).rows[0]
    row.cells[0].text, row.cells[1].text = "2019", "Metrolink"
    document.add_paragraph("After")
    buffer = io.BytesIO()
    document.save(buffer)

    assert read_resume("r.docx", buffer.getvalue()).text.split("\n") == [
        "Before",
        "2019 | Metrolink",
        "After",
    ]


@pytest.mark.parametrize(
    "data",
    [
        "Müller — 20 €".encode(),
        "Müller — 20 €".encode("utf-8-sig"),
        "Müller — 20 €".encode("utf-16"),
        b"\xfe\xff" + "Müller — 20 €".encode("utf-16-be"),
        "Müller — 20 €".encode("cp1252"),
        "Müller — 20 €\r\n\r\n".encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 big endian", "windows", "line ends"],
)
def test_a_text_file_is_read_whatever_its_encoding(data: bytes) -> None:
    read = read_resume("resume.txt", data)

    assert (read.text, read.source) == ("Müller — 20 €", "txt")


def test_emoji_and_right_to_left_text_survive() -> None:
    text = "שלום 🙂 مهندس"

    assert read_resume("r.txt", text.encode()).text == text
    assert read_resume("r.docx", docx(text)).text == text


@pytest.mark.parametrize("name", ["resume.exe", "resume.doc", "resume", "resume.pdf.zip", "r.odp"])
def test_other_types_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedFileType):
        read_resume(name, b"MZ\x90")


def test_a_picture_without_text_is_told_to_be_pasted() -> None:
    with pytest.raises(UnreadableFile) as refusal:
        read_resume("scan.pdf", picture_pdf())

    assert refusal.value.message == PICTURE_ONLY
    assert "paste the text" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("r.pdf", b"MZ\x90 this is no PDF"),
        ("r.pdf", b"%PDF-1.7 and then nothing"),
        ("r.pdf", sample_bytes("resume-mara-lindqvist.pdf")[:200]),
        ("r.pdf", sample_bytes("resume-tomasz-okafor.docx")),
        ("r.docx", b"MZ\x90 this is no Word file"),
        ("r.docx", sample_bytes("resume-mara-lindqvist.pdf")),
        ("r.docx", zip_file(readme=b"hello")),
        ("r.docx", zip_file(word__document_xml=b"<not-word/>")),
        ("r.docx", sample_bytes("resume-tomasz-okafor.docx")[:3000]),
        ("r.txt", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("r.txt", bytes(range(1, 32)) * 10),
        ("r.txt", b"\xff\xfea"),
    ],
    ids=[
        "pdf: a program",
        "pdf: only a header",
        "pdf: cut off",
        "pdf: a Word file",
        "docx: a program",
        "docx: a PDF",
        "docx: another zip",
        "docx: other XML",
        "docx: cut off",
        "txt: a program",
        "txt: control characters",
        "txt: half a character",
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        read_resume(name, data)

    assert refusal.value.message in (NOT_WHAT_IT_CLAIMS, PICTURE_ONLY, REFUSED[OTHER_PACKAGE])


@pytest.mark.parametrize("name", ["r.txt", "r.pdf", "r.docx"])
def test_an_empty_file_is_refused(name: str) -> None:
    with pytest.raises(UnreadableFile):
        read_resume(name, b"")


def test_a_file_over_five_megabytes_is_refused_unread() -> None:
    with pytest.raises(FileTooLarge):
        read_resume("r.txt", b"x" * (5 * 1024 * 1024 + 1))


def test_more_than_forty_pages_are_refused_as_such() -> None:
    with pytest.raises(TooManyPages) as refusal:
        read_resume("r.pdf", blank_pdf(41))

    assert "40" in str(refusal.value.message)


def test_a_zip_bomb_is_refused_unpacked() -> None:
    bomb = zip_file(word__document_xml=b"<w/>", filler=b"0" * (60 * 1024 * 1024))
    assert len(bomb) < 100_000

    with pytest.raises(FileTooLarge):
        read_resume("r.docx", bomb)


def test_a_bomb_of_tiny_elements_is_refused_unparsed() -> None:
    # 45 MB of XML pass the check of the whole; the tree they build must not take the machine.
    nested = b"<w:p/>" * (45 * 1024 * 1024 // 6)
    data = docx("text")
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer) as source:
        members = {each.filename: source.read(each) for each in source.infolist()}
    body = members["word/document.xml"].replace(b"<w:sectPr", nested + b"<w:sectPr", 1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in (members | {"word/document.xml": body}).items():
            target.writestr(name, content)

    with pytest.raises(FileTooLarge):
        read_resume("r.docx", packed.getvalue())
