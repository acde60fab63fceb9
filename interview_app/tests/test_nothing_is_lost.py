"""What was typed: two tabs, expired sign-ins, old forms, practices deleted elsewhere."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from interview_app.models import Answer, Draft, Question
from interview_app.services import delete_session
from interview_app.tests.factories import (
    AnswerFactory,
    DraftFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.api_client import api_client

pytestmark = pytest.mark.django_db

WORDS = "What I typed & meant, <b>word for word</b>."


@pytest.fixture
def question(alice: User, client: Client) -> Question:
    client.force_login(alice)
    made: Question = QuestionFactory(session=InterviewSessionFactory(owner=alice))
    return made


class Tab:
    """A page of the question as it was when it was opened."""

    def __init__(self, client: Client, question: Question) -> None:
        self.client, self.address = client, f"/questions/{question.pk}/"
        page = client.get(self.address)
        self.key = str(page.context["form"].initial["form_key"])
        self.seen = page.context["draft_seen"]
        self.text = page.context["form"].initial["text"]

    def save_draft(self, text: str, *, script: bool = True) -> Any:
        headers = {"Accept": "application/json"} if script else {}
        response = self.client.post(f"{self.address}draft/", self._form(text), headers=headers)
        if response.status_code == 200:
            self.seen = response.json()["saved_at"]
        return response

    def answer(self, text: str) -> Any:
        return self.client.post(self.address, self._form(text))

    def _form(self, text: str) -> dict[str, str]:
        return {"text": text, "form_key": self.key, "draft_seen": self.seen}


@pytest.fixture
def tabs(client: Client, question: Question) -> tuple[Tab, Tab]:
    return Tab(client, question), Tab(client, question)


# --- Two tabs -----------------------------------------------------------------------------------


def test_the_older_tab_is_told_and_overwrites_nothing(tabs: tuple[Tab, Tab]) -> None:
    older, newer = tabs
    newer.save_draft("Typed in the newer tab.")

    refused = older.save_draft("Typed in the older tab.")

    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "DRAFT_CHANGED")
    assert told["text"] == "Typed in the newer tab."
    assert told["saved_at"] == newer.seen
    assert Draft.objects.get().text == "Typed in the newer tab."


def test_the_older_tab_may_replace_what_it_was_shown(tabs: tuple[Tab, Tab]) -> None:
    older, newer = tabs
    newer.save_draft("Typed in the newer tab.")
    older.seen = older.save_draft("Typed in the older tab.").json()["saved_at"]

    assert older.save_draft("Both, put together.").status_code == 200
    assert Draft.objects.get().text == "Both, put together."
    assert newer.save_draft("Typed on in the newer tab.").status_code == 409


def test_the_same_tab_saves_over_its_own_words_whatever_answer_it_missed(
    tabs: tuple[Tab, Tab],
) -> None:
    tab, _ = tabs
    tab.save_draft("I")
    tab.seen = ""  # the answer got lost

    assert tab.save_draft("I began").status_code == 200
    assert Draft.objects.get().text == "I began"


def test_the_same_words_are_no_conflict(tabs: tuple[Tab, Tab]) -> None:
    older, newer = tabs
    newer.save_draft("The same words.")

    assert older.save_draft("The same words.").status_code == 200


def test_an_answer_from_one_tab_leaves_the_others_draft(
    client: Client, question: Question, tabs: tuple[Tab, Tab]
) -> None:
    older, newer = tabs
    newer.save_draft("Half a thought of the newer tab.")

    older.answer(STRONG_ANSWER)

    assert Answer.objects.get().text == STRONG_ANSWER
    assert Draft.objects.get().text == "Half a thought of the newer tab."
    assert "Half a thought of the newer tab.</textarea>" in client.get(older.address).text


def test_an_answer_uses_up_its_own_draft(tabs: tuple[Tab, Tab]) -> None:
    tab, _ = tabs
    tab.save_draft("I began")

    tab.answer(STRONG_ANSWER)

    assert not Draft.objects.exists()


def test_a_tab_is_told_that_another_one_answered(tabs: tuple[Tab, Tab]) -> None:
    older, newer = tabs
    newer.answer(STRONG_ANSWER)

    assert older.save_draft("Still typing.").json()["answers"] == 1


def test_without_a_script_both_texts_are_on_the_page(tabs: tuple[Tab, Tab]) -> None:
    older, newer = tabs
    newer.save_draft("Typed in the newer tab.")

    refused = older.save_draft(WORDS, script=False)

    assert refused.status_code == 409
    assert "Nothing was overwritten" in refused.text
    assert "Typed in the newer tab." in refused.text
    assert f"{escape(WORDS)}</textarea>" in refused.text
    older.seen = refused.context["draft_seen"]
    assert older.save_draft(WORDS, script=False).status_code == 302
    assert Draft.objects.get().text == WORDS


def test_a_program_that_names_no_tab_replaces_the_draft(alice: User, question: Question) -> None:
    DraftFactory(question=question, form_key=uuid.uuid4())

    response = api_client(alice).patch(f"/api/v1/questions/{question.pk}/draft/", {"text": "New"})

    assert response.status_code == 200
    assert Draft.objects.get().text == "New"


# --- Forms that cannot be taken any more --------------------------------------------------------


@pytest.mark.parametrize("path", ["", "draft/"])
def test_who_was_signed_out_meanwhile_gets_the_words_back(
    client: Client, question: Question, path: str
) -> None:
    client.logout()

    page = client.post(f"/questions/{question.pk}/{path}", {"text": WORDS})

    assert page.status_code == 403
    assert f"{escape(WORDS)}</textarea>" in page.text
    assert f"/sign-in/?next=/questions/{question.pk}/" in page.text
    assert not Answer.objects.exists()
    assert not Draft.objects.exists()


def test_the_script_is_told_that_one_is_signed_out(client: Client, question: Question) -> None:
    client.logout()

    answer = client.post(
        f"/questions/{question.pk}/draft/", {"text": WORDS}, headers={"Accept": "application/json"}
    )

    assert (answer.status_code, answer.json()) == (403, {"error": "You were signed out meanwhile"})


def test_a_form_from_before_the_last_sign_in_gives_the_words_back(
    alice: User, question: Question
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    page = strict.post(f"/questions/{question.pk}/", {"text": WORDS})

    assert page.status_code == 403
    assert "This form has grown too old" in page.text
    assert f"{escape(WORDS)}</textarea>" in page.text


def test_other_old_forms_get_the_page_they_always_got(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    page = strict.post("/account/delete/", {"password": "secret words"})

    assert page.status_code == 403
    assert "This form has grown too old" in page.text
    assert "secret words" not in page.text


@pytest.mark.parametrize("path", ["", "draft/"])
def test_words_for_a_practice_that_was_deleted_elsewhere_come_back(
    client: Client, alice: User, question: Question, path: str
) -> None:
    delete_session(session=question.session, actor=alice)

    page = client.post(f"/questions/{question.pk}/{path}", {"text": WORDS})

    assert page.status_code == 404
    assert "This practice was deleted meanwhile." in page.text
    assert f"{escape(WORDS)}</textarea>" in page.text


def test_wrong_numbers_of_a_dictation_do_not_keep_an_answer_out(
    client: Client, question: Question
) -> None:
    spoken = {"spoken_seconds": "-3", "spoken_words": "many"}

    client.post(f"/questions/{question.pk}/", {"text": STRONG_ANSWER, **spoken})

    answer = Answer.objects.get()
    assert (answer.spoken_seconds, answer.spoken_words) == (None, None)


def test_the_pace_of_a_dictation_is_told(client: Client, question: Question) -> None:
    spoken = {"spoken_seconds": "60", "spoken_words": "110"}

    client.post(f"/questions/{question.pk}/", {"text": STRONG_ANSWER, **spoken})

    assert "dictated at 110 words a minute" in client.get(f"/questions/{question.pk}/").text


def test_facts_about_the_words_wait_for_the_end_too(client: Client, question: Question) -> None:
    AnswerFactory(question=question, text="Um, it was basically me who did it.")

    assert "2 filler words" in client.get(f"/questions/{question.pk}/").text
    question.session.mode = "real"
    question.session.save()
    assert "filler" not in client.get(f"/questions/{question.pk}/").text
