"""Every kind of file that people have a résumé in, and what the others are told."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from interview_app.reading.reading import Refused
from interview_app.refusals import UnreadableFile, UnsupportedFileType
from interview_app.resume_files import read_resume
from interview_app.resume_kinds import kind_of
from interview_app.resume_limits import LINK_ONLY, OTHER_PACKAGE, PASSWORD, TOO_LARGE, UNREADABLE
from interview_app.resume_parser import READERS, read_file
from interview_app.resume_texts import REFUSED, UNSUPPORTED
from interview_app.tests.samples import resume_bytes, sample_bytes

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Ada Quill, Z\'fcrich\par Ran \u8220?nine"
    rb"\u8221? roll-outs.\par}"
)
HTML = (
    b"<!DOCTYPE html><html><head><title>CV</title><style>p{color:red}</style></head><body>"
    b"<script>track()</script><h1>Ada Quill</h1><p>Staff <b>Engineer</b><br>Fjord&nbsp;Pay</p>"
    b"<ul><li>Kafka<li>SQL</ul><p hidden>unseen</p><table><tr><td>2019</td><td>Oslo</td></tr>"
)
MARKDOWN = (
    b"---\ntitle: CV\n---\n# Ada Quill\n\n**Staff Engineer**, [Fjord Pay](https://fjord.example)\n"
    b"* Cut `p95` from *1.9 s* to 240 ms\n- snake_case_name stays\n\n| Skill | Years |\n|---|---|\n"
)
RESUME_JSON = {
    "basics": {"name": "Ada Quill", "label": "Engineer", "location": {"city": "Oslo"}},
    "work": [
        {
            "name": "Fjord Pay",
            "position": "Staff Engineer",
            "startDate": "2021-03",
            "highlights": ["Cut failures to 0.4%"],
        }
    ],
    "skills": [{"name": "Data", "keywords": ["SQL", "Kafka"]}],
    "hobbies": ["Rowing"],
}
OLD_EUROPASS = """<?xml version="1.0"?>
<SkillsPassport xmlns="http://europass.cedefop.europa.eu/Europass"><DocumentInfo><Generator>x
</Generator></DocumentInfo><LearnerInfo><Identification><PersonName><FirstName>Ada</FirstName>
<Surname>Quill</Surname></PersonName><Photo><Data>aGVsbG8gd29ybGQ=</Data></Photo></Identification>
<WorkExperienceList><WorkExperience><Period><From year="2019" month="--03"/><Current>true</Current>
</Period><Position><Label>Staff Engineer</Label></Position>
<Activities>&lt;ul&gt;&lt;li&gt;Ran nine roll-outs.&lt;/li&gt;&lt;/ul&gt;</Activities>
<Employer><Name>Fjord Pay</Name></Employer></WorkExperience></WorkExperienceList></LearnerInfo>
</SkillsPassport>"""
NEW_EUROPASS = """<?xml version="1.0"?>
<Candidate xmlns="http://www.europass.eu/1.0" xmlns:hr="http://www.hr-xml.org/3"
 xmlns:oa="http://www.openapplications.org/oagis/9"><CandidatePerson><PersonName>
<oa:GivenName>Ada</oa:GivenName><hr:FamilyName>Quill</hr:FamilyName></PersonName></CandidatePerson>
<CandidateProfile><EmploymentHistory><EmployerHistory><hr:OrganizationName>Fjord Pay
</hr:OrganizationName><PositionHistory><PositionTitle>Staff Engineer</PositionTitle>
<EmploymentPeriod><StartDate><hr:FormattedDateTime>2019-03</hr:FormattedDateTime></StartDate>
<hr:CurrentIndicator>true</hr:CurrentIndicator></EmploymentPeriod>
<oa:Description>&lt;p&gt;Ran nine roll-outs.&lt;/p&gt;</oa:Description></PositionHistory>
</EmployerHistory></EmploymentHistory></CandidateProfile></Candidate>"""


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return buffer.getvalue()


def odt(body: str, manifest: str = "<manifest/>", styles: str = "<styles/>") -> bytes:
    content = (
        '<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:draw="d">'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return zipped(
        mimetype="application/vnd.oasis.opendocument.text",
        content_xml=content,
        styles_xml=styles,
        **{"META-INF__manifest_xml": manifest},
    )


ODT_BODY = (
    "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
    "<text:h>Ada<text:s text:c='2'/>Quill</text:h>"
    "<text:p>Staff<text:tab/>Engineer<text:note><text:note-citation>1</text:note-citation>"
    "<text:note-body><text:p>a note</text:p></text:note-body></text:note></text:p>"
    "<text:list><text:list-item><text:p>Ran nine\n roll-outs.</text:p></text:list-item></text:list>"
    "<text:p><draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box></draw:frame>"
    "</text:p>"
    "<table:table><table:table-row><table:table-cell><text:p>2019</text:p></table:table-cell>"
    "<table:table-cell><text:p>Oslo</text:p></table:table-cell></table:table-row></table:table>"
)
HEADER = (
    '<s xmlns:style="s" xmlns:text="t"><style:master-page><style:header><text:p>ada@example.org'
    "</text:p></style:header></style:master-page></s>"
)


def lines(reader: str, data: bytes) -> list[str]:
    return [line for line in read_file(reader, data).text.split("\n") if line.strip()]


def test_an_open_document_is_read() -> None:
    assert lines("odt", odt(ODT_BODY, styles=HEADER)) == [
        "ada@example.org",
        "Ada  Quill",
        "Staff  Engineer",
        "• Ran nine roll-outs.",
        "in a box",
        "2019 | Oslo",
        "a note",
    ]


def test_rich_text_is_read() -> None:
    assert lines("rtf", RTF) == ["Ada Quill, Zürich", "Ran “nine” roll-outs."]


def test_a_web_page_is_read_as_it_shows() -> None:
    assert [line.strip(" |") for line in lines("html", HTML)] == [
        "Ada Quill",
        "Staff Engineer",
        "Fjord Pay",
        "• Kafka",
        "• SQL",
        "2019 | Oslo",
    ]


def test_markdown_loses_its_marks_and_no_word() -> None:
    assert lines("md", MARKDOWN) == [
        "Ada Quill",
        "Staff Engineer, Fjord Pay",
        "• Cut `p95` from 1.9 s to 240 ms",
        "• snake_case_name stays",
        "| Skill | Years |",
    ]


def test_a_json_resume_is_read_section_by_section() -> None:
    assert lines("json_resume", json.dumps(RESUME_JSON).encode()) == [
        "Ada Quill",
        "Engineer",
        "Oslo",
        "Work",
        "Staff Engineer, Fjord Pay  2021-03",
        "• Cut failures to 0.4%",
        "Skills",
        "Data",
        "SQL, Kafka",
        "Hobbies",
        "Rowing",
    ]


@pytest.mark.parametrize("text", [OLD_EUROPASS, NEW_EUROPASS], ids=["SkillsPassport", "Candidate"])
def test_europass_is_read(text: str) -> None:
    found = lines("europass", text.encode())

    assert set(found) >= {"Ada", "Quill", "Staff Engineer", "Fjord Pay"}
    assert any("Ran nine roll-outs." in line for line in found)
    assert "2019-03 – now" in found
    assert not any("aGVs" in line or line == "x" for line in found)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Życiorys. Kierownik działu, Łódź. Zwiększyłem sprzedaż o 14 procent w roku.", "cp1250"),
        ("Životopis. Vedoucí oddělení v Brně. Řídil jsem pět týmů, zvýšil výrobu.", "cp1250"),
        ("Резюме. Ведущий инженер, Казань. Сократил время сборки, обучил пять коллег.", "cp1251"),
        ("Lebenslauf. Jörg Weißenberger. Führte 22 Beschäftigte – ohne Störung.", "mac_roman"),
        ("Zoé Lefèvre, ingénieure à Orléans. J’ai réduit les délais de 14 %.", "mac_roman"),
        ("Senior engineer. Ran the team in Łódź and Kraków, led by Paweł.", "cp1250"),
        ("Jörg Müller. Straße, Österreich, Übung – 20 €", "cp1252"),
        ("Jörg Müller. Straße, Österreich, Übung", "utf-16-le"),
        ("Jörg Müller. Straße, Österreich, Übung", "utf-16-be"),
    ],
)
def test_a_text_says_not_how_it_is_encoded_and_is_read(text: str, encoding: str) -> None:
    assert read_file("txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (resume_bytes("plain.docx"), "docx"),
        (resume_bytes("chromium-hebrew.pdf"), "pdf"),
        (odt("<text:p>x</text:p>"), "odt"),
        (RTF, "rtf"),
        (HTML, "html"),
        (json.dumps(RESUME_JSON).encode(), "json"),
        (OLD_EUROPASS.encode(), "xml"),
        ("Müller".encode(), "txt"),
        ("Müller".encode("utf-16"), "txt"),
    ],
    ids=["docx", "pdf", "odt", "rtf", "html", "json", "europass", "utf-8", "utf-16"],
)
@pytest.mark.parametrize("name", ["resume", "Lebenslauf v1.2", ".resume"])
def test_a_file_without_an_ending_is_known_by_its_beginning(
    name: str, data: bytes, source: str
) -> None:
    assert kind_of(name, data).source == source


@pytest.mark.parametrize(("data", "source"), [(RTF, "rtf"), (HTML, "html")])
def test_what_programs_call_doc_is_read_as_what_it_is(data: bytes, source: str) -> None:
    assert read_resume("cv.doc", data).source == source


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("cv.doc", OLE, UNSUPPORTED["doc"]),
        ("cv.docx", OLE, UNSUPPORTED["doc"]),
        ("cv.docx", OLE + "EncryptedPackage".encode("utf-16-le"), REFUSED[PASSWORD]),
        ("cv.JPG", b"\xff\xd8\xff", UNSUPPORTED["jpg"]),
        ("cv.heic", b"ftyp", UNSUPPORTED["heic"]),
        ("cv.pages", b"PK\x03\x04", UNSUPPORTED["pages"]),
        ("cv.gdoc", b'{"url": "https://docs.google.com/x"}', UNSUPPORTED["gdoc"]),
        ("cv.zip", b"PK\x03\x04", UNSUPPORTED["zip"]),
        ("cv.tex", b"\\documentclass{article}", UNSUPPORTED["tex"]),
        ("cv.pdf", resume_bytes("needs-password.pdf"), REFUSED[PASSWORD]),
        ("cv.txt", b"https://docs.google.com/document/d/1?usp=sharing", REFUSED[LINK_ONLY]),
    ],
)
def test_each_kind_that_cannot_be_read_is_told_what_to_do(
    name: str, data: bytes, sentence: object
) -> None:
    with pytest.raises((UnsupportedFileType, UnreadableFile)) as refusal:
        read_resume(name, data)

    assert refusal.value.message == sentence


def test_every_reader_has_a_module() -> None:
    for reader in READERS:
        with pytest.raises(Refused):
            read_file(reader, b" ")


@pytest.mark.parametrize(
    ("reader", "data", "code"),
    [
        ("odt", odt("", manifest="<m><encryption-data/></m>"), PASSWORD),
        ("odt", zipped(content_xml="<a/>"), OTHER_PACKAGE),
        ("odt", b"PK\x03\x04", UNREADABLE),
        ("odt", odt("<text:p>" * 300 + "</text:p>" * 300), UNREADABLE),
        ("odt", zipped(**{f"m{number}": "" for number in range(2_001)}), TOO_LARGE),
        ("rtf", b"{\\rt", UNREADABLE),
        ("json_resume", b"[" * 100_000, UNREADABLE),
        ("json_resume", b'{"name": "package"}', OTHER_PACKAGE),
        ("json_resume", b"{", UNREADABLE),
        ("europass", b"<feed/>", OTHER_PACKAGE),
        ("europass", b"<a>" * 300, UNREADABLE),
        ("txt", bytes(range(1, 32)) * 10, UNREADABLE),
        ("txt", b"MZ\x90\x00\x03\x00\x00\x00", UNREADABLE),
    ],
)
def test_limits_and_broken_files_end_in_a_refusal(reader: str, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_file(reader, data)

    assert str(refusal.value) == code


def test_entities_of_europass_stay_unexpanded() -> None:
    declared = '<!DOCTYPE d [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    text = f"{declared}<Candidate><Name>Ada</Name><Other>&b;</Other></Candidate>"

    assert lines("europass", text.encode()) == ["Ada"]


def test_a_page_nested_as_deep_as_generators_do_is_read_and_beyond_that_refused() -> None:
    def nested(times: int) -> bytes:
        return b"<div>" * times + b"Ada Quill" + b"</div>" * times

    assert lines("html", nested(200)) == ["Ada Quill"]
    with pytest.raises(Refused):
        read_file("html", nested(3_000))


def test_samples_read_alike_through_every_door() -> None:
    by_name = read_resume("r.docx", sample_bytes("resume-tomasz-okafor.docx"))

    assert read_resume("resume", sample_bytes("resume-tomasz-okafor.docx")) == by_name


@pytest.mark.parametrize("data", [OLD_EUROPASS, NEW_EUROPASS])
def test_europass_says_itself_what_it_holds(data: str) -> None:
    assert read_file("europass", data.encode()).entries == [
        {
            "section": "experience",
            "title": "Staff Engineer",
            "employer": "Fjord Pay",
            "dates": "2019-03 – now",
        }
    ]


def test_json_resume_of_another_shape_has_fewer_entries() -> None:
    odd = {"basics": {}, "work": [None, {"position": ["Cook"]}, {"name": 7}], "education": "none"}

    entries = read_file("json_resume", json.dumps(odd).encode()).entries

    assert [(each["title"], each["employer"]) for each in entries or ()] == [
        ("Cook", ""),
        ("", "7"),
    ]
