"""PDFs as browsers, LaTeX and office programs make them: whole, and in the order of reading."""

from __future__ import annotations

import io
import re
import time
from typing import cast

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, StreamObject

from interview_app.reading.pdf import second
from interview_app.reading.pdf.bidi import in_reading_order
from interview_app.reading.reading import Refused
from interview_app.resume_limits import (
    CUT_OFF,
    GARBLED,
    MAX_CHARACTERS,
    MAX_PAGES,
    NO_TEXT,
    PASSWORD,
    PICTURE_PAGES,
    TOO_MANY_PAGES,
    UNREADABLE,
)
from interview_app.resume_parser import read_file
from interview_app.tests.pdf_pages import drawn, pdf, saved
from interview_app.tests.samples import resume_bytes
from interview_app.tests.test_reading_kinds import OLD_EUROPASS

LONG = "and what was done there goes on to the far margin of it"
GAPS = "Built Quick payment software for four offices and 12 partners"
LIFTED = ["Fjord Pay 2021", "Cut failures", "Baltic Bank 2016", "Wrote reports"]
# More than twenty words, so that a page counts as written.
PROSE = [(40, 700 - 14 * row, f"Line {row} of a text with words") for row in range(8)]
WRITTEN = [line for _x, _y, line in PROSE]


def text(data: bytes) -> str:
    return read_file("pdf", data).text


def lines(data: bytes) -> list[str]:
    return [" ".join(line.split()) for line in text(data).split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chromium-position-relative", LIFTED),
        ("chromium-position-relative-tagged", LIFTED),
        ("chromium-flex-space-between", ["Jan 2019 - now Senior Engineer at Fjord Pay"]),
        ("chromium-letter-spacing", ["ADA QUILL", "Engineer"]),
        ("chromium-hebrew", ["נועה ברק", "מהנדסת תוכנה בכירה"]),
        ("chromium-hebrew-fallback-font", ["נועה ברק", "מהנדסת תוכנה בכירה"]),
        ("chromium-arabic-numbers", ["خفضت أخطاء التسوية من 3.8% إلى 0.4% خلال عام"]),
        ("tj-gaps-no-space-glyph", [GAPS]),
    ],
)
def test_each_file_is_read_as_its_page_is(name: str, expected: list[str]) -> None:
    assert lines(resume_bytes(f"{name}.pdf")) == expected


def test_words_parted_at_line_ends_and_over_a_page_are_whole() -> None:
    assert " ".join(text(resume_bytes("weasyprint-hyphens.pdf")).split()) == (
        "Responsible for infrastructure development and tool selection in identity management"
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (resume_bytes("needs-password.pdf"), PASSWORD),
        (resume_bytes("scan-with-footer-text.pdf"), NO_TEXT),
        (resume_bytes("21-pages.pdf"), NO_TEXT),
        (pdf(*[drawn((40, 700, "Ada"))] * (MAX_PAGES + 1)), TOO_MANY_PAGES),
        (b"%PDF-1.7 and then nothing", UNREADABLE),
    ],
    ids=["password", "scan", "empty pages", "too many pages", "damaged"],
)
def test_what_cannot_be_read_is_refused_by_its_name(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        text(data)

    assert str(refusal.value) == code


def test_as_many_pages_as_are_allowed_are_read() -> None:
    pages = [drawn((40, 700, f"Project {number} in Oslo")) for number in range(MAX_PAGES)]

    assert len(lines(pdf(*pages))) == MAX_PAGES


def test_a_sidebar_is_read_before_or_after_and_not_into_the_text_beside_it() -> None:
    # In groups of three, none of which begins where a job does.
    side = [(40, 700 - 13 * row - 22 * (row // 3), f"Skill number {row}") for row in range(12)]
    main = [(220, 703 - 13 * row, f"Job {row} {LONG}") for row in range(16)]
    mixed = [each for pair in zip(side, main, strict=False) for each in pair] + main[12:]

    assert lines(pdf(drawn(*mixed))) == [each for _x, _y, each in side + main]


def test_dates_at_the_right_margin_stay_with_their_jobs() -> None:
    jobs = [
        each
        for row in range(6)
        for each in (
            (480, 700 - 28 * row, f"201{row} - 201{row + 1}"),
            (40, 700 - 28 * row, f"Employer {row}"),
            (40, 686 - 28 * row, f"- did {row}"),
        )
    ]

    assert lines(pdf(drawn(*jobs))) == [
        line
        for row in range(6)
        for line in (f"Employer {row} 201{row} - 201{row + 1}", f"- did {row}")
    ]


def test_labels_at_the_left_are_read_with_what_stands_beside_them() -> None:
    texts = []
    for number in range(4):
        top = 700 - 100 * number
        texts += [(40, top, f"Employer {number}"), (40, top - 13, f"Role {number}")]
        texts += [(200, top - 13 * row, f"Bullet {number}.{row} {LONG}") for row in range(5)]

    assert lines(pdf(drawn(*texts))) == [
        line
        for number in range(4)
        for line in (
            f"Employer {number}",
            f"Role {number}",
            *(f"Bullet {number}.{row} {LONG}" for row in range(5)),
        )
    ]


@pytest.mark.parametrize(("rotate", "matrix"), [(90, "0 1 -1 0 600 0"), (270, "0 -1 1 0 0 800")])
def test_a_turned_page_is_read_as_it_is_held(rotate: int, matrix: str) -> None:
    held = drawn((40, 500, "First line"), (40, 480, "Second line"))
    turned = pdf(b"q %s cm\n%sQ\n" % (matrix.encode(), held), page=b"/Rotate %d" % rotate)

    assert lines(turned) == ["First line", "Second line"]


def test_text_along_the_edge_does_not_run_into_the_page() -> None:
    edge = b"q 0 1 -1 0 590 300 cm\n" + drawn((0, 0, "Curriculum Vitae")) + b"Q\n"

    assert lines(pdf(edge + drawn(*PROSE))) == [*WRITTEN, "Curriculum Vitae"]


def test_words_drawn_twice_for_boldness_come_once() -> None:
    name = "Ada Quill, all office staff"

    assert lines(pdf(drawn((40, 700, name), (40.8, 700, name)))) == [name]


FORM = {
    100: b"<< /Fields [101 0 R] >>",
    101: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada Quill)"
    b" /Rect [120 696 300 712] >>",
    102: b"<< /Type /Annot /Subtype /FreeText /Contents (Added in a viewer)"
    b" /Rect [40 600 300 620] /DA (/F1 10 Tf) >>",
}


def test_form_fields_and_boxes_laid_over_the_page_are_read_in_their_place() -> None:
    page = drawn((40, 700, "Name:"), (40, 650, "Oslo"))
    filled = pdf(page, page=b"/Annots [101 0 R 102 0 R]", more=FORM)

    assert lines(filled) == ["Name: Ada Quill", "Oslo", "Added in a viewer"]


def test_a_font_that_says_nothing_of_its_letters_is_refused() -> None:
    shifted = "".join(chr(ord(letter) - 29) for letter in "buildpamentsoftwareforoffices")

    with pytest.raises(Refused) as refusal:
        text(pdf(drawn(*[(40, 700 - 12 * row, shifted) for row in range(9)])))

    assert str(refusal.value) == GARBLED


def test_pages_that_are_pictures_are_told() -> None:
    picture = b"q 500 0 0 700 50 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q\n"

    assert read_file("pdf", pdf(drawn(*PROSE), picture)).warnings == [PICTURE_PAGES]


def test_europass_in_a_pdf_is_read_from_its_data() -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(drawn((40, 700, "Ada"))))))
    writer.add_attachment("europass.xml", OLD_EUROPASS.encode())

    assert "Staff Engineer" in lines(saved(writer))


@pytest.mark.parametrize(
    ("shown", "read"),
    [
        ("קרב העונ", "נועה ברק"),
        ("2021 – 2019 הסדנהמ", "מהנדסה 2019 – 2021"),
        ("Python 3-ב תונכת", "תכנות ב-Python 3"),
        ("(קרב) העונ", "נועה (ברק)"),
        ("5% תוחפ", "פחות 5%"),
        ("ماع %5 نم", "من 5% عام"),
    ],
)
def test_a_line_that_runs_to_the_left_is_turned(shown: str, read: str) -> None:
    assert in_reading_order(list(shown), rightwards=False) == read


def test_a_word_that_runs_to_the_left_is_turned_within_its_line() -> None:
    assert in_reading_order(list("Name: קרב העונ, Oslo"), rightwards=True) == "Name: נועה ברק, Oslo"


def test_more_text_than_anybody_keeps_is_told_and_not_read_to_its_end() -> None:
    rows = [
        (40, 800 - 0.5 * row, f"Line {row} " + "of a text that has no end " * 8)
        for row in range(1_000)
    ]
    page = drawn(*rows, size=0.4)  # more than anybody keeps by itself
    costs = []

    for pages in (1, 6):
        data = pdf(*[page] * pages)
        started = time.process_time()
        read = read_file("pdf", data)
        costs.append(time.process_time() - started)
        assert read.warnings == [CUT_OFF]
        assert len(read.text) <= MAX_CHARACTERS

    # A ratio: how fast a machine is does not matter here. To the end it would be six.
    assert costs[1] < 3 * costs[0]


def with_wrong_counts(data: bytes, fonts: int) -> bytes:
    """The same file; the maps of some fonts say that they hold another number of characters."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    resources = cast(DictionaryObject, writer.pages[0]["/Resources"])
    for font in list(cast(DictionaryObject, resources["/Font"]).values())[:fonts]:
        letters = cast(DictionaryObject, font.get_object())
        map_ = cast(StreamObject, letters["/ToUnicode"].get_object()).get_data()
        wrong = DecodedStreamObject()
        wrong.set_data(re.sub(rb"\d+(?= beginbf)", b"0", map_))
        letters[NameObject("/ToUnicode")] = writer._add_object(wrong)
    return saved(writer)


def test_a_font_whose_map_counts_wrongly_is_read_by_the_second_reader() -> None:
    sound = resume_bytes("fpdf2-dates-at-the-right.pdf")

    damaged = text(with_wrong_counts(sound, 9))

    assert sorted(damaged.split()) == sorted(text(sound).split())


@pytest.mark.parametrize(("seconds", "ways"), [((9, 7, 5), 2), ((3, 1.5), 1)], ids=["time", "none"])
def test_the_second_reader_leaves_off_before_its_time_is_up(
    seconds: tuple[float, ...], ways: int
) -> None:
    left = iter([*seconds, 0])
    sound = resume_bytes("fpdf2-dates-at-the-right.pdf")

    assert len(list(second.texts(sound, lambda: next(left)))) == ways


def test_dates_one_under_the_other_are_labels_each_of_its_own() -> None:
    texts = []
    for number in range(4):
        top = 700 - 28 * number
        texts += [(40, top, f"200{number}-200{number + 1}"), (130, top, f"Degree {number} {LONG}")]
        texts += [(130, top - 12, f"with honours {number}")]
    texts += [(40, 588, "2004-2005"), (130, 588, f"Degree 4 {LONG}"), (40, 574, "2005-2006")]
    texts += [(130, 574, f"Degree 5 {LONG}")]

    assert lines(pdf(drawn(*texts))) == [
        *(
            line
            for number in range(4)
            for line in (
                f"200{number}-200{number + 1}",
                f"Degree {number} {LONG}",
                f"with honours {number}",
            )
        ),
        *("2004-2005", f"Degree 4 {LONG}", "2005-2006", f"Degree 5 {LONG}"),
    ]


def test_columns_end_where_the_next_part_of_the_page_begins() -> None:
    columns = [(40, 700 - 12 * row, f"Left {row}") for row in range(8)]
    columns += [(250, 702 - 12 * row, f"Right {row} {LONG}") for row in range(8)]
    below = [(40, 560 - 12 * row, f"Below {row}") for row in range(4)]
    below += [(120, 560 - 12 * row, f"Value {row}") for row in range(4)]

    assert lines(pdf(drawn(*columns, *below))) == [
        *(f"Left {row}" for row in range(8)),
        *(f"Right {row} {LONG}" for row in range(8)),
        *(f"Below {row} Value {row}" for row in range(4)),
    ]


def test_brackets_and_numbers_in_lines_that_run_to_the_left_stand_right() -> None:
    assert in_reading_order(list("Fjord Pay )2019–2024( ,הריכב"), rightwards=False) == (
        "בכירה, Fjord Pay (2019–2024)"
    )


def test_a_date_goes_behind_a_heading_of_two_lines() -> None:
    heading = drawn((40, 700, "Head of"), (480, 700, "2019 - 2021"), (40, 684, "Nursing"), size=12)

    assert lines(pdf(heading + drawn(*[(x, y - 40, line) for x, y, line in PROSE]))) == [
        "Head of",
        "Nursing 2019 - 2021",
        *WRITTEN,
    ]
