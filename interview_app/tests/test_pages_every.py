"""What holds for every page: the content security policy, labels, one heading, no lost styles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from interview_app.models import InterviewSession
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
    ResumeFactory,
    SessionSummaryFactory,
    StoryFactory,
)
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

CONTROLS = ("input", "select", "textarea")


class Outline(HTMLParser):
    """The start tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, *names: str) -> Iterator[dict[str, str | None]]:
        return (attributes for tag, attributes in self.tags if tag in names)


@pytest.fixture
def session(alice: User) -> InterviewSession:
    """A finished practice with feedback on one answer and a failed analysis of another."""
    made: InterviewSession = InterviewSessionFactory(owner=alice, finished=True)
    FeedbackFactory(answer__question__session=made, rewrite="I [your task].")
    failed = AnswerFactory(question=QuestionFactory(session=made))
    OperationFactory(
        kind="feedback_analysis",
        subject_type="answer",
        subject_id=str(failed.pk),
        session_id=made.pk,
        owner=alice,
        failed=True,
    )
    SessionSummaryFactory(session=made, by_competency=[{"competency": "SQL", "score": 3.5}])
    ResumeFactory(owner=alice)
    return made


@pytest.fixture(
    params=[
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
        "/account/delete/",
        "/questions/{question}/",
        "/questions/{failed}/",
        "/nothing/here/",
    ]
)
def page(
    request: pytest.FixtureRequest, client: Client, alice: User, session: InterviewSession
) -> str:
    first, second = session.questions.all()
    client.force_login(alice)
    address = request.param.format(
        session=session.pk,
        question=first.pk,
        failed=second.pk,
        ready=QuestionFactory(session__owner=alice).session_id,
        story=StoryFactory(owner=alice).pk,
    )
    return client.get(address).text


@pytest.fixture(params=["/sign-in/", "/sign-up/"])
def visitors_page(request: pytest.FixtureRequest, client: Client) -> str:
    return client.get(request.param).text


def test_a_page_carries_no_inline_script_or_style(page: str) -> None:
    outline = Outline(page)

    assert all(attributes.get("src") for attributes in outline.named("script"))
    assert not list(outline.named("style"))
    assert not [
        name for _, attributes in outline.tags for name in attributes if re.match("on|style$", name)
    ]


def test_a_page_has_one_main_heading_and_names_its_language(page: str) -> None:
    outline = Outline(page)

    assert len(list(outline.named("h1"))) == 1
    assert next(outline.named("html"))["lang"] == "en"


def test_every_id_is_used_once(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Outline(page).tags if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_every_control_has_a_label(page: str) -> None:
    assert_labelled(page)


def test_every_control_of_the_doors_has_a_label(visitors_page: str) -> None:
    assert_labelled(visitors_page)


def assert_labelled(page: str) -> None:
    outline = Outline(page)
    labelled = {attributes.get("for") for attributes in outline.named("label")}
    shown = [each for each in outline.named(*CONTROLS) if each.get("type") != "hidden"]

    assert [each.get("name") for each in shown if each.get("id") not in labelled] == []


def test_own_pages_are_not_kept_by_a_shared_computer(
    client: Client, alice: User, session: InterviewSession
) -> None:
    client.force_login(alice)

    for address in ("/practice/", f"/practice/{session.pk}/", "/practice/new/"):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_an_error_of_ours_gets_a_page_of_ours(rf: RequestFactory) -> None:
    page = server_error(rf.get("/"))

    assert page.status_code == 500
    assert b"Something went wrong on our side" in page.content


def test_pages_follow_the_languages_of_the_browser(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "de"})

    assert next(Outline(page.text).named("html"))["lang"] == "de"
