"""A rewrite says nothing that the answer does not; hostile rewrites are made up at random."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interview_app.facts import without_invented_facts
from interview_app.facts.numbers import german_value, numbers_of
from operations.tests.examples import examples

ANSWER = (
    "In March 2023 I cut the nightly batch at Fjord Pay from four hours to 12 minutes with Redis. "
    "Three colleagues and I saved 2,600 euros a month, twenty-five per cent of the bill."
)
ANTWORT = (
    "Im März 2023 habe ich bei Fjord Pay den Lauf von vier Stunden auf 12 Minuten gekürzt. "
    "Mit drei Kolleginnen sparten wir 2.600 Euro im Monat, fünfundzwanzig Prozent der Kosten."
)


@pytest.mark.parametrize(
    "rewrite",
    [
        "In March 2023 I cut it from 4 hours to twelve minutes.",
        "We saved 2600 euros, €2,600 in all, or 25 % of the bill.",
        "At Fjord Pay, I used Redis. Then three of us went on.",
        "My task was the batch. I chose Redis because [add detail], and it fell by 25 percent.",
        "Afterwards I measured it for [add number] weeks.",
        "3 colleagues and I did it; the fjord-pay batch took 12 minutes.",
    ],
)
def test_a_rewrite_of_the_facts_of_the_answer_stays_as_it_is(rewrite: str) -> None:
    assert without_invented_facts(rewrite, ANSWER, language="en") == rewrite


@pytest.mark.parametrize(
    "rewrite",
    [
        "Im März 2023 kürzte ich den Lauf von 4 Stunden auf zwölf Minuten.",
        "Wir sparten 2600 Euro, also 25 %, und ich habe [Zahl ergänzen] Tage gemessen.",
        "Die Aufgabe war der Lauf. Bei Fjord Pay waren es 12 Minuten, bei Problemen mehr.",
    ],
)
def test_a_german_rewrite_of_the_facts_stays_as_it_is(rewrite: str) -> None:
    assert without_invented_facts(rewrite, ANTWORT, language="de") == rewrite


@pytest.mark.parametrize(
    ("rewrite", "left"),
    [
        ("I cut it by 40 %.", "I cut it by [add number] %."),
        ("I cut it to 12 hours.", "I cut it to [add number] hours."),
        ("I cut it to 12 days.", "I cut it to [add number]."),
        ("I led seven people.", "I led [add number] people."),
        ("I doubled the speed.", "I [add number] the speed."),
        (
            "In June 2023 it was done on a Friday.",
            "In [add date] 2023 it was done on a [add date].",
        ),
        ("At Google I used Kubernetes.", "At [add name] I used [add name]."),
        ("I used docker and S3.", "I used [add name] and [add name]."),
        ("Nordwind asked me for it.", "[add name] asked me for it."),
        ("I met Anna Bergström there.", "I met [add name] there."),
        ("I saved [50 % at Siemens].", "I saved [add number]."),
        ("It was ５０ and ½ more.", "It was [add number] and [add number]⁄[add number] more."),
        ("I earned $2,600 a month.", "I earned [add number] a month."),
        ("We hired two hundred and fifty people.", "We hired [add number] people."),
    ],
)
def test_what_the_answer_does_not_say_becomes_a_placeholder(rewrite: str, left: str) -> None:
    assert without_invented_facts(rewrite, ANSWER, language="en") == left


@pytest.mark.parametrize(
    ("rewrite", "left"),
    [
        ("Ich sparte 40 Prozent.", "Ich sparte [Zahl ergänzen] Prozent."),
        ("Es dauerte sieben Tage.", "Es dauerte [Zahl ergänzen]."),
        ("Es waren zweihundertdreißig.", "Es waren [Zahl ergänzen]."),
        ("Das war im Oktober bei Siemens.", "Das war im [Datum ergänzen] bei [Name ergänzen]."),
        ("Ich nutzte GitLab und Jira.", "Ich nutzte [Name ergänzen] und [Name ergänzen]."),
        ("Ich arbeitete bei Nordwind.", "Ich arbeitete bei [Name ergänzen]."),
        ("Die Krones AG half.", "Die [Name ergänzen] half."),
        ("Wir halbierten den Aufwand.", "Wir [Zahl ergänzen] den Aufwand."),
    ],
)
def test_the_same_in_german(rewrite: str, left: str) -> None:
    assert without_invented_facts(rewrite, ANTWORT, language="de") == left


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,600", "2600"), ("2.600", "2600"), ("3.50", "3.5"), ("3,5", "3.5"), ("17:00", "17:00"),
        ("two thousand six hundred", "2600"), ("Twenty-Five", "25"), ("dozen", "12"),
        ("zweitausendsechshundert", "2600"), ("fünfundzwanzig", "25"), ("Hundert", "100"),
    ],
)  # fmt: skip
def test_a_number_has_one_value_however_it_is_written(text: str, value: str) -> None:
    assert [each.value for each in numbers_of(text)] == [value]


@pytest.mark.parametrize("word", ["hund", "wunder", "und", "einhorn", "achtung", "tausendfüßler"])
def test_other_german_words_are_no_numbers(word: str) -> None:
    assert german_value(word) is None


HOSTILE = {
    "7", "43", "1,999", "88.5", "seven", "nineteen", "two hundred", "dreißig", "neunundvierzig",
    "achthundert", "doubled", "halbiert", "Google", "Kubernetes", "SAP", "GitLab", "McKinsey",
    "terraform", "November", "Donnerstag", "S3", "IBM", "PostgreSQL", "Siemens",
}  # fmt: skip
FACTS = ["Python", "12", "March", "four", "2023", "Fjord", "Pay"]
TEXT = "In March 2023 I used Python at Fjord Pay for 12 weeks with four others and we measured it."


@pytest.mark.parametrize("language", ["en", "de"])
@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(
        st.sampled_from([*sorted(HOSTILE), *FACTS, *TEXT.split(), ".", "[", "]", ",", "\n", "-"]),
        max_size=30,
    )
)
def test_no_hostile_word_is_left_in_any_rewrite(language: str, words: list[str]) -> None:
    left = without_invented_facts(" ".join(words), TEXT, language=language)

    for word in HOSTILE:
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", left), left
