"""A person's library: kept, changed, brought into a practice, taken along and deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.template import Context, Template
from django.test import Client, RequestFactory

from interview_app.library import save_story
from interview_app.models import ANSWER_MAX_LENGTH, MAX_STORIES, Draft, Question, Story
from interview_app.refusals import TooManyStories
from interview_app.services import finish_session
from interview_app.tests.factories import (
    AnswerFactory,
    InterviewSessionFactory,
    QuestionFactory,
    StoryFactory,
)
from interview_app.tests.test_account import files
from operations.tests.api_client import api_client

pytestmark = pytest.mark.django_db

FIELDS = {
    "title": "Charges",
    "question": "",
    "text": "In May we lost 3 payments.",
    "competency": "",
}


@pytest.fixture
def here(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def question(alice: User) -> Question:
    made: Question = QuestionFactory(session=InterviewSessionFactory(owner=alice))
    return made


def test_a_story_is_kept_word_for_word_and_changed(here: Client, alice: User) -> None:
    here.post("/stories/new/", FIELDS | {"text": "  One.\r\n\r\nTwo. "})
    story = Story.objects.get(owner=alice)
    assert story.text == "  One.\n\nTwo. "

    answer = here.post(f"/stories/{story.pk}/", FIELDS | {"title": "Lost payments"})

    assert answer["Location"] == "/stories/"
    story.refresh_from_db()
    assert (story.title, story.text) == ("Lost payments", FIELDS["text"])
    assert "Lost payments" in here.get("/stories/").text


def test_it_holds_a_question_or_a_story(here: Client, alice: User) -> None:
    answer = here.post("/stories/new/", FIELDS | {"text": " ", "competency": "Care"})

    assert answer.status_code == 400
    assert 'value="Care"' in answer.text
    with pytest.raises(ValidationError):
        save_story(owner=alice, title="Empty")
    assert not Story.objects.exists()


def test_a_library_has_an_end(here: Client, alice: User) -> None:
    Story.objects.bulk_create(StoryFactory.build_batch(MAX_STORIES, owner=alice))

    answer = here.post("/stories/new/", FIELDS)

    assert answer.status_code == TooManyStories.status_code
    assert FIELDS["text"] in answer.text
    assert Story.objects.count() == MAX_STORIES


def test_a_story_is_deleted(here: Client, alice: User) -> None:
    story = StoryFactory(owner=alice)

    here.post(f"/stories/{story.pk}/delete/")

    assert not Story.objects.exists()


def test_a_good_answer_is_offered_to_be_kept(here: Client, alice: User) -> None:
    answer = AnswerFactory(
        question__session=InterviewSessionFactory(owner=alice, finished=True),
        question__competency="Care",
    )
    address = f"/stories/new/?answer={answer.pk}"
    assert f'href="{address}"' in here.get(f"/practice/{answer.question.session_id}/summary/").text

    form = here.get(address).context["form"]

    assert (form["title"].value(), form["text"].value()) == ("Care", answer.text)


def test_a_long_library_comes_in_pages(here: Client, alice: User) -> None:
    StoryFactory.create_batch(21, owner=alice)

    page = here.get("/stories/").text

    assert page.count('class="practice"') == 20
    assert 'href="?page=2"' in page


# --- Brought into a practice --------------------------------------------------------------------


def insert(client: Client, question: Question, **sent: Any) -> Any:
    return client.post(f"/questions/{question.pk}/insert/", sent)


@pytest.mark.parametrize(
    ("typed", "draft"),
    [("", "In May."), ("Well, ", "Well,\n\nIn May."), ("a\r\nb", "a\nb\n\nIn May.")],
)
def test_a_story_comes_below_what_was_typed(
    typed: str, draft: str, here: Client, alice: User, question: Question
) -> None:
    story = StoryFactory(owner=alice, text="In May.")

    answer = insert(here, question, story=story.pk, text=typed)

    assert answer["Location"] == f"/questions/{question.pk}/"
    assert Draft.objects.get(question=question).text == draft
    assert f"{draft}</textarea>" in here.get(f"/questions/{question.pk}/").text


def test_what_does_not_fit_loses_nothing_typed(
    here: Client, alice: User, question: Question
) -> None:
    story = StoryFactory(owner=alice, text="x" * (ANSWER_MAX_LENGTH - 5))

    insert(here, question, story=story.pk, text="Well, then.")

    assert Draft.objects.get(question=question).text == "Well, then."
    assert "longer than an answer can be" in here.get(f"/questions/{question.pk}/").text


def test_what_was_typed_too_long_comes_back(here: Client, alice: User, question: Question) -> None:
    typed = "y" * (ANSWER_MAX_LENGTH + 1)

    answer = insert(here, question, story=StoryFactory(owner=alice).pk, text=typed)

    assert answer.status_code == 400
    assert f"{typed}</textarea>" in answer.text


def test_without_a_choice_what_was_typed_is_kept(here: Client, question: Question) -> None:
    insert(here, question, text="Half a thought")

    assert Draft.objects.get(question=question).text == "Half a thought"


def test_after_the_end_what_was_typed_comes_back(
    here: Client, alice: User, question: Question
) -> None:
    AnswerFactory(question=question)
    finish_session(session=question.session)

    answer = insert(here, question, story=StoryFactory(owner=alice).pk, text="Half a thought")

    assert answer.status_code == 409
    assert "Half a thought" in answer.text


def test_the_part_of_the_form_names_stories_and_leads_to_the_question(
    alice: User, bob: User, question: Question, rf: RequestFactory
) -> None:
    request = rf.get("/")
    request.user = alice
    part = Template("{% load library %}{% stories_to_insert question %}")
    context = Context({"request": request, "question": question})
    assert part.render(context).strip() == ""
    StoryFactory(owner=alice, title="Charges")
    StoryFactory(owner=alice, title="A question alone", text="")
    StoryFactory(owner=bob, title="Of somebody else")

    shown = part.render(context)

    assert "Charges" in shown
    assert "alone" not in shown
    assert "somebody else" not in shown
    assert f'formaction="/questions/{question.pk}/insert/"' in shown


# --- Whose it is --------------------------------------------------------------------------------


def test_others_stories_do_not_exist(here: Client, bob: User, question: Question) -> None:
    story = StoryFactory(owner=bob, text="Secret.")

    assert "double charges" not in here.get("/stories/").text
    assert here.get(f"/stories/{story.pk}/").status_code == 404
    assert here.post(f"/stories/{story.pk}/", FIELDS).status_code == 404
    assert here.post(f"/stories/{story.pk}/delete/").status_code == 404
    assert insert(here, question, story=story.pk, text="").status_code == 404
    answer = AnswerFactory(question__session__owner=bob)
    assert here.get(f"/stories/new/?answer={answer.pk}").status_code == 404
    story.refresh_from_db()
    assert story.text == "Secret."


def test_it_is_taken_along_and_goes_with_the_account(alice: User) -> None:
    StoryFactory(owner=alice, text="Leek and potato.")

    found = files(api_client(alice).get("/api/v1/me/account/"))
    assert "Leek and potato." in found["library.json"]

    alice.delete()
    assert not Story.objects.exists()
