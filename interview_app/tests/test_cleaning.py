"""What programs leave in a text goes; what people wrote stays."""

from __future__ import annotations

import contextlib
import time

import pytest

from interview_app.reading.cleaning import cleaned
from interview_app.reading.gate import is_link, passed
from interview_app.reading.quality import problems
from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import (
    FEW_WORDS,
    GARBLED,
    GLUED_WORDS,
    HYPHENS_JOINED,
    LINK_ONLY,
    MAX_CHARACTERS,
    NO_TEXT,
)
from interview_app.tests.samples import GERMAN_POSTING, MARA_RESUME, TOMASZ_RESUME


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\ufb03cient o\ufb00er", "efficient offer"),
        ("e\x1ecient and con\x1cg", "efficient and config"),
        ("e/f_f_icient and con/f_ig", "efficient and config"),
        ("\ufe8e\ufedf", "\u0627\u0644"),
        ("\uf0b7 Ran roll-outs\n\uf0e0 ada@example.org", "• Ran roll-outs\nada@example.org"),
        ("\ufffd Ran roll-outs", "• Ran roll-outs"),
        ("10\u00a0000\u202f€,\u2009now", "10 000 €, now"),
        ("soft\u00adware\u200b engin\u2060eer", "software engineer"),
        ("infra\u00ad\nstructure and tools", "infrastructure and tools"),
        ("infra\u2010\nstruc\u2010\nture", "infrastructure"),
        ("well\u2010known non\u2011profit", "well-known non-profit"),
        ("E X P E R I E N C E", "EXPERIENCE"),
        ("A D A  Q U I L L", "ADA QUILL"),
        ("Plan B C and D", "Plan B C and D"),
        ("I a m", "I a m"),
        ("a\r\nb\rc\n\n\n\n\nd", "a\nb\nc\n\nd"),
    ],
)
def test_traces_of_programs_go(text: str, expected: str) -> None:
    assert cleaned(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the cross-\nfunctional team", "the cross-functional team"),
        ("a data-\ndriven company", "a data-driven company"),
        ("many open-\nsource tools", "many open-source tools"),
        ("mother-in-\nlaw", "mother-in-law"),
        ("Baden-\nWürttemberg", "Baden-Württemberg"),
        ("IT-\nspezifisch", "IT-spezifisch"),
        ("re-signed once, then re-\nsigned again", "re-signed once, then re-signed again"),
        ("Haupt-\nund Nebenfach", "Haupt-\nund Nebenfach"),
        ("2019 -\npresent", "2019 -\npresent"),
        ("cooperation, then coop-\neration", "cooperation, then cooperation"),
    ],
)
def test_a_hyphen_at_a_line_end_stays_where_the_word_has_one(text: str, expected: str) -> None:
    assert cleaned(text) == (expected, [])


def test_a_word_joined_by_guess_is_told() -> None:
    assert cleaned("software devel-\nopment in engi-\nneering teams") == (
        "software development in engineering teams",
        [HYPHENS_JOINED],
    )


def test_the_only_hyphen_at_a_line_end_stays_and_is_told() -> None:
    assert cleaned("a paper turn-\nstile") == ("a paper turn-stile", [HYPHENS_JOINED])


def test_page_numbers_and_running_titles_go_once_each() -> None:
    pages = [
        ["Ada Quill", "Staff Engineer", "1"],
        ["Ada Quill", "- 2 -", "2019", "Fjord Pay", "Page 2 of 3"],
        ["Ada Quill", "Ran 9 roll-outs in", "2019", "Oslo", "Seite 3 von 3"],
    ]
    text = "\n\f\n".join("\n".join(page) for page in pages)

    assert cleaned(text)[0].split("\n") == [
        "Ada Quill",
        "Staff Engineer",
        "2019",
        "Fjord Pay",
        "Ran 9 roll-outs in",
        "2019",
        "Oslo",
    ]


def test_a_word_parted_by_a_page_end_is_joined() -> None:
    assert cleaned("man\u2010\nPage 1 of 2\n\f\nage\u2010\nment")[0] == "management"


@pytest.mark.parametrize("text", [MARA_RESUME, TOMASZ_RESUME, GERMAN_POSTING])
def test_what_people_write_is_left_alone(text: str) -> None:
    kept, guesses = cleaned(text)

    assert kept.split() == text.split()
    assert guesses == problems(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "BuiltQuickpaymentsoftwareforfour andtwelvepartnersinthenorth Europe " * 3,
            GLUED_WORDS,
        ),
        ("%XLOW TXLFN SD\\PHQW VRIWZDUH IRU IRXU RIILFHV DQG WZHOYH SDUWQHUV " * 3, GARBLED),
        ("Xjutg Qmzpk Vrtsk Wbrnh Zkqtm Plmfr Gthjk Nbvcx Qwrtp Sdfgh Zxcvb Mnhjk Prtqk", GARBLED),
        ("(cid:12)(cid:44)(cid:3) Name (cid:90)(cid:3)", GARBLED),
        ("\ufffd\ufffd\ufffd\ufffd Ada \ufffd\ufffd\ufffd", GARBLED),
        ("Scanned by CamScanner", FEW_WORDS),
    ],
    ids=["glued", "shifted letters", "no vowels", "glyph numbers", "unknown", "hardly any"],
)
def test_what_nobody_can_read_is_seen(text: str, problem: str) -> None:
    assert problem in problems(text)


@pytest.mark.parametrize(
    "text",
    [
        "Leitete den Umbau der Mittelspannungsschaltanlagen in Wien und Linz, mit 22 Leuten an drei"
        " Standorten und ohne eine Minute Stromausfall in den drei Jahren von 2019 bis 2022.",
        "Резюме. Ведущий инженер, Казань. Сократил время сборки с сорока минут до шести, обучил"
        " пять коллег и двух стажёров.",
        "מהנדסת תוכנה בכירה עם תשע שנות ניסיון בבנקאות ובתשלומים, הובילה צוות של שבעה אנשים וחסכה"
        " הרבה כסף לחברה",
        "Staff engineer. See https://github.example.org/adaquilladaquilladaquilladaquill and"
        " adaquilladaquilladaquill@example.org for more of what I built with C++, C#, F# and k8s.",
    ],
    ids=["long German words", "Russian", "Hebrew", "addresses"],
)
def test_what_only_looks_odd_is_not(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://www.linkedin.com/in/ada-quill/", True),
        ("linkedin.com/in/ada-quill", True),
        ("My CV: https://docs.google.com/document/d/1?usp=sharing", True),
        ("www.example.org", True),
        ("Ada Quill", False),
        ("Rebuilt the ledger, see https://example.org/ledger for the numbers", False),
    ],
)
def test_a_link_alone_is_told_from_a_text_with_one(text: str, link: bool) -> None:
    assert is_link(text) is link


@pytest.mark.parametrize(
    ("text", "code"),
    [("- – •", NO_TEXT), ("https://x.example/cv", LINK_ONLY), ("\ufffd" * 9, NO_TEXT)],
)
def test_the_gate_refuses_what_is_no_resume(text: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        passed(Reading(text))

    assert str(refusal.value) == code


def test_one_font_of_several_without_a_map_is_seen_and_the_text_still_taken() -> None:
    text = MARA_RESUME + "\n" + "%XLOW TXLFN SDPHQW VRIWZDUH IRU IRXU RIILFHV DQG WZHOYH\n" * 5

    assert passed(Reading(text)).warnings == [GARBLED]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a-",
        "a ",
        "a  ",
        "\n",
        " ",
        "-\n",
        "a-\nb",
        "a!",
        "/f_",
        "www.",
        "a.",
        "\ufffd ",
        "\x1c",
        "1\f",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = time.process_time()
        with contextlib.suppress(Refused):
            passed(Reading(text))
        return time.process_time() - started

    # Ten times the text: a hundred times the time would show here as minutes.
    assert seconds(MAX_CHARACTERS) < 100 * max(seconds(MAX_CHARACTERS // 10), 0.02)
