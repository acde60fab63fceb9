"""Word files as people have them: nothing that stands on the page is lost, nothing comes twice."""

from __future__ import annotations

import io
import zipfile

import pytest

from interview_app.reading.reading import Refused
from interview_app.resume_limits import (
    EMBEDDED_FILE,
    OTHER_PACKAGE,
    PASSWORD,
    TOO_LARGE,
    UNREADABLE,
)
from interview_app.resume_parser import read_file
from interview_app.tests.samples import resume_bytes

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = (
    f'xmlns:r="{OFFICE}" xmlns:v="urn:schemas-microsoft-com:vml"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def r(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def p(content: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{content}</w:p>"


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def field(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def code(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def root(name: str, content: str, namespace: str = W) -> bytes:
    return f'<w:{name} xmlns:w="{namespace}" {NAMESPACES}>{content}</w:{name}>'.encode()


def relationships(**targets: tuple[str, str]) -> bytes:
    each = "".join(
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f"<Relationships>{each}</Relationships>".encode()


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def word_file(
    body: str, *, namespace: str = W, parts: dict[str, bytes] | None = None, **targets: tuple
) -> bytes:
    return packed(
        {
            "_rels/.rels": relationships(rId1=("officeDocument", "word/main.xml")),
            "word/main.xml": root("document", f"<w:body>{body}</w:body>", namespace),
            "word/_rels/main.xml.rels": relationships(**targets),
            **(parts or {}),
        }
    )


def lines(data: bytes) -> list[str]:
    text = read_file("docx", data).text
    return [line for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sdt-block", ["Ada Quill", "Last line."]),
        ("sdt-inline", ["Name: Ada Quill (Oslo)", "Last line."]),
        ("sdt-table", ["Skills | Python", "Last line."]),
        ("tracked-insert", ["Cut failures to 0.4% in a year.", "Last line."]),
        ("tracked-insert-hyperlink", ["Whole new bullet", "Last line."]),
        ("nested-table", ["2021 - 2026 | Staff Engineer, Fjord Pay", "Last line."]),
        ("textbox-drawing", ["Ada Quill, ada@example.org", "Last line."]),
        ("name-in-header", ["Ada Quill, ada@example.org", "Last line."]),
        ("smarttag", ["Lives in Berlin", "Last line."]),
        ("fldsimple", ["Phone: +49 30 5550", "Last line."]),
        ("equal-cells-in-a-row", ["English | C1 | French | C1", "Last line."]),
        ("word-online-document2", ["Ada Quill, ada@example.org", "Last line."]),
        ("template-dotx-renamed", ["Ada Quill, ada@example.org", "Last line."]),
        ("macro-docm-renamed", ["Ada Quill, ada@example.org", "Last line."]),
        ("plain", ["Ada Quill, ada@example.org", "Last line."]),
    ],
)
def test_every_word_on_the_page_is_read_once(name: str, expected: list[str]) -> None:
    assert lines(resume_bytes(f"{name}.docx")) == expected


BOX = f"<w:txbxContent>{p(r('Ada Quill'))}</w:txbxContent>"
TWICE = (
    f"<w:r><mc:AlternateContent><mc:Choice><w:drawing>{BOX}</w:drawing></mc:Choice>"
    f"<mc:Fallback><w:pict><v:textbox>{BOX}</v:textbox></w:pict></mc:Fallback>"
    "</mc:AlternateContent></w:r>"
)
FALLBACK_ONLY = (
    "<w:r><mc:AlternateContent><mc:Choice><w:drawing/></mc:Choice>"
    f"<mc:Fallback><w:pict><v:textbox>{BOX}</v:textbox></w:pict></mc:Fallback>"
    "</mc:AlternateContent></w:r>"
)
NESTED_FIELD = (
    f"{r('Since ')}{field('begin')}{code(' IF ')}{field('begin')}{code(' DATE ')}"
    f"{field('separate')}{r('unseen')}{field('end')}{field('separate')}{r('2019')}{field('end')}"
)
MOVED = (
    p(f"<w:moveFrom w:id='1'>{r('Ran nine roll-outs.')}</w:moveFrom>")
    + p(r("Before"))
    + p(f"<w:moveTo w:id='2'>{r('Ran nine roll-outs.')}</w:moveTo>")
)
DELETED_ROW = (
    f"<w:tbl><w:tr><w:trPr><w:del w:id='1'/></w:trPr>{cell(p(r('gone')))}</w:tr>"
    f"<w:tr>{cell(p(r('kept')))}</w:tr></w:tbl>"
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p(TWICE + r("Experience")), ["Ada Quill", "Experience"]),
        (p(FALLBACK_ONLY), ["Ada Quill"]),
        (p(f"<w:r><w:pict><v:textbox>{BOX}</v:textbox></w:pict></w:r>"), ["Ada Quill"]),
        (p(NESTED_FIELD), ["Since 2019"]),
        (MOVED, ["Before", "Ran nine roll-outs."]),
        (p(r("One "), "<w:rPr><w:del w:id='1'/></w:rPr>") + p(r("line")), ["One line"]),
        (DELETED_ROW, ["kept"]),
        (p(r("seen") + r("hidden", "<w:vanish/>")), ["seen"]),
        (p(r("seen") + r(" too", "<w:vanish w:val='0'/>")), ["seen too"]),
        (p(r("a") + "<w:r><w:tab/></w:r>" + r("b") + "<w:r><w:br/></w:r>" + r("c")), ["a  b", "c"]),
        (p("<w:customXml><w:smartTag>" + r("Berlin") + "</w:smartTag></w:customXml>"), ["Berlin"]),
        (p(f"<w:hyperlink r:id='x'>{r('ada.example')}</w:hyperlink>"), ["ada.example"]),
        (
            table(
                cell(p(r("2019")), "<w:vMerge w:val='restart'/>") + cell(p(r("Fjord Pay"))),
                cell(p(r("unseen")), "<w:vMerge/>") + cell(p(r("Billing"))),
            ),
            ["2019 | Fjord Pay", "Billing"],
        ),
        (
            table(cell(p(r("Skills")) + p(r("SQL"))) + cell(p(r("Jobs")) + p(r("Fjord Pay")))),
            ["Skills", "SQL", "Jobs", "Fjord Pay"],
        ),
    ],
    ids=[
        "a box drawn twice",
        "a box in the fallback alone",
        "a box in VML alone",
        "a field in a field's code",
        "moved",
        "a deleted paragraph mark",
        "a deleted row",
        "hidden",
        "not hidden after all",
        "tab and line break",
        "a smart tag in custom XML",
        "a link",
        "merged downwards",
        "a page laid out in cells",
    ],
)
@pytest.mark.parametrize("namespace", [W, STRICT], ids=["transitional", "strict"])
def test_the_final_view_is_read(body: str, expected: list[str], namespace: str) -> None:
    assert lines(word_file(body, namespace=namespace)) == expected


def section(*references: str, first_page: bool = False) -> str:
    title = "<w:titlePg/>" if first_page else ""
    return f"<w:sectPr>{''.join(references)}{title}</w:sectPr>"


def test_headers_come_first_and_footers_last_each_once() -> None:
    data = word_file(
        p(r("Body"))
        + section(
            '<w:headerReference w:type="default" r:id="h1"/>',
            '<w:headerReference w:type="even" r:id="h2"/>',
            '<w:headerReference w:type="first" r:id="h3"/>',
            '<w:footerReference w:type="default" r:id="f1"/>',
        ),
        h1=("header", "header1.xml"),
        h2=("header", "header2.xml"),
        h3=("header", "header3.xml"),
        f1=("footer", "/word/Footer1.xml"),
        parts={
            "word/header1.xml": root("hdr", p(r("Ada Quill"))),
            "word/header2.xml": root("hdr", p(r("Ada Quill"))),
            "word/header3.xml": root("hdr", p(r("of a first page that is like the others"))),
            "word/footer1.xml": root("ftr", p(r("Oslo"))),
        },
    )

    assert lines(data) == ["Ada Quill", "Body", "Oslo"]


def test_notes_stand_at_the_end() -> None:
    note = f"<w:footnote w:id='2'>{p(r('Prize of 2021'))}</w:footnote>"
    data = word_file(
        p(r("Thesis") + "<w:r><w:footnoteReference w:id='2'/></w:r>") + p(r("Body")),
        n=("footnotes", "footnotes.xml"),
        parts={"word/footnotes.xml": root("footnotes", note)},
    )

    assert lines(data) == ["Thesis", "Body", "Prize of 2021"]


def test_list_items_are_marked_whether_by_paragraph_or_style() -> None:
    def level(shape: str) -> str:
        return f"<w:lvl w:ilvl='0'><w:numFmt w:val='{shape}'/></w:lvl>"

    numbering = "".join(
        f"<w:abstractNum w:abstractNumId='{key}'>{level(shape)}</w:abstractNum>"
        for key, shape in (("7", "bullet"), ("8", "decimal"))
    ) + "".join(
        f"<w:num w:numId='{key}'><w:abstractNumId w:val='{abstract}'/></w:num>"
        for key, abstract in (("1", "7"), ("2", "8"))
    )
    style = (
        "<w:style w:styleId='Listed'><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr>"
        "</w:style><w:style w:styleId='Mine'><w:basedOn w:val='Listed'/></w:style>"
    )

    def item(text: str, properties: str) -> str:
        return p(r(text), properties)

    numbered = "<w:numPr><w:ilvl w:val='0'/><w:numId w:val='2'/></w:numPr>"
    data = word_file(
        item("By number", "<w:numPr><w:numId w:val='1'/></w:numPr>")
        + item("By style", "<w:pStyle w:val='Mine'/>")
        + item("– Marked by hand", "<w:pStyle w:val='Mine'/>")
        + item("Not listed", "<w:pStyle w:val='Mine'/><w:numPr><w:numId w:val='0'/></w:numPr>")
        + item("First", numbered)
        + item("Second", numbered),
        n=("numbering", "numbering.xml"),
        s=("styles", "styles.xml"),
        parts={
            "word/numbering.xml": root("numbering", numbering),
            "word/styles.xml": root("styles", style),
        },
    )

    assert lines(data) == [
        "• By number",
        "• By style",
        "– Marked by hand",
        "Not listed",
        "1. First",
        "2. Second",
    ]


def test_a_diagram_is_read() -> None:
    diagram = "<a:p><a:r><a:t>SQL </a:t></a:r><a:r><a:t>expert</a:t></a:r></a:p>"
    data = word_file(
        p("<w:r><w:drawing><dgm:relIds r:dm='d'/></w:drawing></w:r>"),
        d=("diagramData", "diagrams/data1.xml"),
        parts={"word/diagrams/data1.xml": root("d", diagram)},
    )

    assert lines(data) == ["SQL expert"]


def test_an_embedded_web_page_is_read() -> None:
    page = "<html><style>p {}</style><p>Staff Engineer,<br>Fjord Pay</p><ul><li>Kafka</ul></html>"
    data = word_file(
        "<w:altChunk r:id='a'/>" + p(r("Last line.")),
        a=("aFChunk", "page.htm"),
        parts={"word/page.htm": page.encode()},
    )

    assert lines(data) == ["Staff Engineer,", "Fjord Pay", "• Kafka", "Last line."]


def refusal_of(data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read_file("docx", data)
    return str(refusal.value)


def test_an_embedded_file_that_cannot_be_read_is_refused_as_such() -> None:
    data = word_file(
        p(r("Before")) + "<w:altChunk r:id='a'/>",
        a=("aFChunk", "other.docx"),
        parts={"word/other.docx": b"PK"},
    )

    assert refusal_of(data) == EMBEDDED_FILE


def test_a_table_of_figures_is_told_to_be_no_text_document() -> None:
    sheet = packed(
        {
            "_rels/.rels": relationships(rId1=("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": b"<workbook/>",
        }
    )

    assert refusal_of(sheet) == OTHER_PACKAGE


def test_a_part_locked_by_a_password_is_told_so() -> None:
    locked = bytearray(word_file(p(r("x"))))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(signature)
        while at >= 0:
            locked[at + flags] |= 1
            at = locked.find(signature, at + 4)

    assert refusal_of(bytes(locked)) == PASSWORD


def test_entities_of_a_document_stay_unexpanded() -> None:
    declared = '<!DOCTYPE d [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    data = packed(
        {
            "_rels/.rels": relationships(rId1=("officeDocument", "main.xml")),
            "main.xml": declared.encode() + root("document", p(r("seen &b;"))),
        }
    )

    assert lines(data) == ["seen"]


def test_tables_nested_without_end_are_refused() -> None:
    body = p(r("x"))
    for _ in range(100):
        body = table(cell(body))

    assert refusal_of(word_file(body)) == UNREADABLE


def test_tables_nested_as_deep_as_people_do_are_read() -> None:
    body = p(r("x"))
    for _ in range(50):
        body = table(cell(body))

    assert lines(word_file(body)) == ["x"]


def test_styles_based_on_one_another_end() -> None:
    styles = (
        "<w:style w:styleId='a'><w:basedOn w:val='b'/></w:style>"
        "<w:style w:styleId='b'><w:basedOn w:val='a'/></w:style>"
    )
    data = word_file(
        p(r("x"), "<w:pStyle w:val='a'/>"),
        s=("styles", "styles.xml"),
        parts={"word/styles.xml": root("styles", styles)},
    )

    assert lines(data) == ["x"]


def test_more_parts_than_a_document_has_are_too_many() -> None:
    data = word_file(p(r("x")), parts={f"word/{number}.xml": b"" for number in range(2_001)})

    assert refusal_of(data) == TOO_LARGE
