"""Pages for readers of German: nothing English is left, and the catalogue keeps its promises."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import ngettext, override

from interview_app.models import Answer, InterviewSession, Question
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    ResumeFactory,
    SessionSummaryFactory,
    StoryFactory,
)
from operations.models import Operation
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db

GERMAN = {"Accept-Language": "de"}
CATALOGUE = settings.BASE_DIR / "locale/de/LC_MESSAGES/django.mo"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
READ_ATTRIBUTES = re.compile("aria-label|title|placeholder|data-words|data-.*-word")
# Words that sentences of this product hold and that no German sentence does.
ENGLISH = re.compile(
    r"\b(the|your|you|and|is|are|of|to|with|this|that|it|for|not|no|my|next|try|again|answer"
    r"|answers|answered|question|questions|feedback|summary|save|saved|wrote|delete|practice"
    r"|interview practice|posting|résumé|draft|score|scored|sign|failed|stopped|finished)\b",
    re.IGNORECASE,
)


class Words(HTMLParser):
    """What a person reads or hears of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.read += [value or "" for name, value in attrs if READ_ATTRIBUTES.fullmatch(name)]

    def handle_data(self, data: str) -> None:
        self.read.append(data)


def english_words(page: str) -> set[str]:
    return set(ENGLISH.findall(" ".join(Words(page).read)))


def catalogue() -> list[tuple[list[str], list[str]]]:
    """Forms of each text and of its translation, from the file that production reads."""
    data = CATALOGUE.read_bytes()
    _, _, count, originals, translations = struct.unpack_from("<5I", data)

    def forms(table: int, row: int) -> list[str]:
        length, start = struct.unpack_from("<2I", data, table + 8 * row)
        return data[start : start + length].decode().split("\0")

    pairs = [(forms(originals, row), forms(translations, row)) for row in range(count)]
    return [(english, german) for english, german in pairs if english != [""]]


# --- The catalogue ------------------------------------------------------------------------------


def test_every_form_of_a_translation_keeps_the_placeholders() -> None:
    changed = [
        form
        for english, german in catalogue()
        for form in german
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(english[-1]))
    ]

    assert changed == []


def test_a_translation_ends_as_its_text_does() -> None:
    differing = [
        (english, german)
        for english, german in catalogue()
        if {form[-1] in ".:?" for form in english} != {form[-1] in ".:?" for form in german}
    ]

    assert differing == []


def test_people_are_addressed_as_du() -> None:
    formal = re.compile(r"\b(Sie|Ihnen|Ihre?[mnrs]?)\b")

    assert [form for _, german in catalogue() for form in german if formal.search(form)] == []


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ("question", 0, "0 Fragen"),
        ("question", 1, "1 Frage"),
        ("question", 2, "2 Fragen"),
        ("word", 1, "1 Wort"),
        ("word", 150, "150 Wörter"),
    ],
)
def test_plurals_are_german(text: str, number: int, words: str) -> None:
    with override("de"):
        form = ngettext(f"%(n)s {text}", f"%(n)s {text}s", number)

    assert form % {"n": number} == words


# --- Pages --------------------------------------------------------------------------------------


@pytest.fixture
def session(alice: User) -> InterviewSession:
    """A finished practice in German: one answer with feedback, one whose analysis failed, one not
    scored."""
    made: InterviewSession = InterviewSessionFactory(
        owner=alice,
        german=True,
        finished=True,
        role="Backend-Entwicklung",
        job_description="Wir suchen Verstärkung.",
        resume_text="Fünf Jahre Python.",
    )
    scored, failed, unscored = (german_answer(made) for _ in range(3))
    FeedbackFactory(answer=scored, **GERMAN_FEEDBACK)
    FeedbackFactory(answer=unscored, not_scored=True, **GERMAN_FEEDBACK | {"criteria": []})
    analysis_of(failed, failed=True)
    SessionSummaryFactory(
        session=made,
        text="Du sagst, was du getan hast.",
        by_competency=[{"competency": "SQL", "score": 3.5}, {"competency": "Rat", "score": None}],
        missing=[2],
        strengths=["Klare Worte."],
        habits=["Kaum Zahlen."],
        exercise="Nenne eine Zahl.",
    )
    ResumeFactory(owner=alice, text="Fünf Jahre Python.")
    return made


GERMAN_FEEDBACK = {
    "criteria": [
        {"key": "action", "score": 4.0, "reason": "Eigene Schritte."},
        {"key": "result", "score": None, "reason": "Ohne Zahl."},
    ],
    "strengths": [{"text": "Du sagst, was du getan hast.", "quote": "Ich habe gemessen"}],
    "fixes": [{"criterion": "result", "quote": None, "why": "Ohne Zahl.", "try_this": "Zähle."}],
    "rewrite": "Ich [deine Aufgabe].",
    "prompt_version": "4",
    "rubric_version": "2",
}


def german_answer(session: InterviewSession) -> Answer:
    question = QuestionFactory(
        session=session, text="Wann hast du gemessen?", why="Aus der Anzeige.", competency="SQL"
    )
    answer: Answer = AnswerFactory(question=question, text="Ich habe gemessen und gerechnet.")
    return answer


GERMAN_STORY = {
    "title": "Doppelte Abbuchungen",
    "question": "Warum wir?",
    "text": "Im Mai habe ich gemessen.",
    "competency": "Sorgfalt",
}


def german_question(owner: User) -> Question:
    """Of a practice that has no answer yet."""
    session = InterviewSessionFactory(owner=owner, german=True, role="Backend-Entwicklung")
    question: Question = QuestionFactory(
        session=session, text="Wann hast du gemessen?", competency="SQL"
    )
    return question


def analysis_of(answer: Answer, **state: object) -> Operation:
    operation: Operation = OperationFactory(
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(answer.pk),
        session_id=answer.question.session_id,
        owner=answer.question.session.owner,
        **state,
    )
    return operation


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/practice/",
        "/practice/new/",
        "/resume/",
        "/practice/{session}/",
        "/practice/{session}/summary/",
        "/practice/{session}/delete/",
        "/practice/{session}/print/",
        "/practice/{ready}/plan/",
        "/stories/",
        "/stories/new/",
        "/stories/{story}/",
        "/account/",
        "/questions/{scored}/",
        "/questions/{failed}/",
        "/questions/{unscored}/",
        "/nothing/here/",
    ],
)
def test_no_english_is_left_on_a_page(
    address: str, client: Client, alice: User, session: InterviewSession
) -> None:
    scored, failed, unscored = (question.pk for question in session.questions.all())
    client.force_login(alice)

    page = client.get(
        address.format(
            session=session.pk,
            scored=scored,
            failed=failed,
            unscored=unscored,
            ready=german_question(alice).session_id,
            story=StoryFactory(owner=alice, **GERMAN_STORY).pk,
        ),
        headers=GERMAN,
    ).text

    assert '<html lang="de"' in page
    assert english_words(page) == set()


@pytest.mark.parametrize("address", ["/", "/sign-in/", "/sign-up/"])
def test_no_english_is_left_for_visitors(address: str, client: Client) -> None:
    assert english_words(client.get(address, headers=GERMAN).text) == set()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "413", "429", "500"])
def test_no_english_is_left_on_an_error_page(name: str) -> None:
    with override("de"):
        assert english_words(render_to_string(f"{name}.html")) == set()


def test_the_check_for_leftovers_sees_english(client: Client) -> None:
    assert {"practice", "your", "answer"} <= english_words(client.get("/").text)


# --- Forms, cards and messages ------------------------------------------------------------------


@pytest.fixture
def question(alice: User) -> Question:
    """The first question of a practice that goes on, answered once."""
    session = InterviewSessionFactory(owner=alice, german=True, role="Backend-Entwicklung")
    question: Question = german_answer(session).question
    return question


CARDS = {
    "waiting": ({}, "Wartet, bis es an der Reihe ist."),
    "running": ({"running": True, "run_attempts": 2}, "Versuch 2 von 4."),
    "failed": ({"failed": True}, "Wir konnten deine Antwort nicht auswerten: Der KI-Dienst"),
    "cancelled": ({"cancelled": True}, "Die Rückmeldung zu dieser Antwort wurde angehalten."),
}


@pytest.mark.parametrize(("state", "words"), CARDS.values(), ids=CARDS)
def test_a_card_speaks_german(
    state: dict[str, object], words: str, client: Client, alice: User, question: Question
) -> None:
    analysis_of(question.answers.get(), **state)
    client.force_login(alice)

    page = client.get(f"/questions/{question.pk}/", headers=GERMAN).text

    assert words in page
    assert english_words(page) == set()


def test_a_saved_answer_is_confirmed_in_german(
    client: Client, alice: User, question: Question
) -> None:
    client.force_login(alice)
    address = f"/questions/{question.pk}/"

    client.post(address, {"text": "Ja.", "then": "stay"}, headers=GERMAN)

    page = client.get(address, headers=GERMAN).text
    assert "Deine Antwort auf Frage 1 ist gespeichert" in page
    assert english_words(page) == set()


def wrong_forms() -> Iterator[tuple[str, dict[str, str]]]:
    yield "/practice/new/", {"role": "", "question_count": "99", "seniority": "emperor"}
    yield "/practice/new/", {"role": "x" * 500, "question_count": "viele"}
    yield "/resume/", {"resume_text": ""}
    yield "/resume/", {"resume_text": "a\0b"}


@pytest.mark.parametrize(("address", "typed"), list(wrong_forms()))
def test_a_form_says_in_german_what_is_wrong(
    address: str, typed: dict[str, str], client: Client, alice: User
) -> None:
    client.force_login(alice)

    response = client.post(address, typed, headers=GERMAN)

    assert response.status_code == 400
    assert "Nichts, was du getippt hast, ist verloren." in response.text
    assert english_words(response.text) == set()


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("/sign-in/", {"username": "alice", "password": "falsch"}),
        ("/sign-up/", {"username": "a b", "email": "x", "password1": "123", "password2": "12"}),
        ("/sign-up/", {"username": "alice", "password1": "12345", "password2": "12345"}),
    ],
)
def test_the_doors_say_in_german_what_is_wrong(
    address: str, typed: dict[str, str], client: Client, alice: User
) -> None:
    assert english_words(client.post(address, typed, headers=GERMAN).text) == set()


def test_the_api_says_in_german_what_is_wrong(alice: User) -> None:
    response = api_client(alice).post("/api/v1/sessions/", {"role": ""}, headers=GERMAN)

    problem = assert_problem(response, 400, "VALIDATION_ERROR")
    assert problem["detail"] == "Ein Teil des Gesendeten ist nicht brauchbar. Siehe „errors“."
    assert [each["detail"] for each in problem["errors"]] == ["Dieses Feld darf nicht leer sein."]


def test_new_practice_offers_the_language_of_the_page(client: Client) -> None:
    client.force_login(UserFactory())

    form = client.get("/practice/new/", headers={"accept-language": "de"}).context["form"]

    assert form["language"].value() == "de"
