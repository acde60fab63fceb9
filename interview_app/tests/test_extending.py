"""docs/extending.md, built from its own blocks: its kind runs through page, API and console."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from interview_app import kinds, prompts
from interview_app.models import Question
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import FeedbackFactory, QuestionFactory
from operations.kinds import register, unregister
from operations.models import Door, Operation
from operations.services import submit_operation
from operations.tests.api_client import api_client
from operations.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (Path(django_settings.BASE_DIR) / "docs/extending.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PROMPT, MODULE, REGISTRATION, START = BLOCKS
REASON = "Simulated: 5 words are a question of weight."
CONSOLE = "/admin/operations/operation/"


def path_of(block: str) -> str:
    """The file that the sentence before a block names."""
    before = PAGE[: PAGE.index(block)]
    return re.findall(r"`(interview_app/\S+)`:", before)[-1]


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The documented files beside those of the product, in the places that the page names."""
    for block in (PROMPT, MODULE):
        path = tmp_path / path_of(block)
        path.parent.mkdir(parents=True)
        path.write_text(block, "utf-8")
    monkeypatch.setattr(prompts, "FOLDER", tmp_path / "interview_app/prompts")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path / "interview_app/kinds")])
    assert path_of(REGISTRATION) == str(Path(kinds.__file__).relative_to(django_settings.BASE_DIR))
    exec(REGISTRATION, {"register": register})  # noqa: S102  (the page's own words)
    yield
    unregister("question_reason")
    del sys.modules["interview_app.kinds.question_reason"]


@pytest.fixture
def question(alice: User, kind: None) -> Question:
    made: Question = QuestionFactory(session__owner=alice, text="What did you do next?")
    return made


def started(question: Question) -> Operation:
    names: dict[str, Any] = {
        "question": question,
        "submit_operation": submit_operation,
        "Door": Door,
    }
    exec(START, names)  # noqa: S102  (the page's own words)
    operation: Operation = names["operation"]
    return operation


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def operator() -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def test_kind_of_the_page_is_seen_at_work_at_every_door(question: Question) -> None:
    owner = question.session.owner

    operation = started(question)

    assert (
        "Finding out why this is asked" in signed_in(owner).get(f"/questions/{question.pk}/").text
    )
    assert 'data-unfinished="true"' in signed_in(owner).get(f"/questions/{question.pk}/live/").text
    session = api_client(owner).get(f"/api/v1/sessions/{question.session_id}/").json()
    assert session["questions"][0]["operation"]["id"] == str(operation.pk)
    assert [each["kind"] for each in session["operations"]] == ["question_reason"]
    assert "Reason" in operator().get(f"{CONSOLE}?kind=question_reason&state=queued").text


def test_kind_of_the_page_completes_on_the_simulated_provider(question: Question) -> None:
    owner = question.session.owner
    operation = started(question)

    run_what_is_due()

    body = api_client(owner).get(f"/api/v1/operations/{operation.pk}/").json()
    assert (body["status"], body["simulated"], body["attempts"]) == ("completed", True, 1)
    page = signed_in(owner).get(f"/questions/{question.pk}/").text
    assert REASON in page
    assert "Finding out" not in page
    assert 'class="op-state op-completed"' in operator().get(f"{CONSOLE}?q={operation.pk}").text


def by_page(operation: Operation) -> int:
    assert operation.owner is not None
    return signed_in(operation.owner).post(f"/operations/{operation.pk}/retry/").status_code


def by_api(operation: Operation) -> int:
    path = f"/api/v1/operations/{operation.pk}/retry/"
    return int(api_client(operation.owner).post(path, {}).status_code)


def by_console(operation: Operation) -> int:
    return operator().post(f"{CONSOLE}{operation.pk}/retry/").status_code


@pytest.mark.parametrize(("retry", "answer"), [(by_page, 302), (by_api, 202), (by_console, 302)])
def test_kind_of_the_page_fails_in_its_own_words_and_is_retried_by_every_door(
    retry: Callable[[Operation], int], answer: int, question: Question, settings: Settings
) -> None:
    settings.SIMULATED_FAULTS = "rate_limit:1"
    operation = started(question)
    run_what_is_due()
    operation.refresh_from_db()
    page = signed_in(question.session.owner).get(f"/questions/{question.pk}/").text

    settings.SIMULATED_FAULTS = ""
    answered = retry(operation)
    run_what_is_due()

    assert operation.error_code == "RATE_LIMIT_EXCEEDED"
    assert "We could not find out why this is asked" in page
    assert "The question is as it was" in page
    question.refresh_from_db()
    assert (answered, question.why) == (answer, REASON)


def test_kind_of_the_page_is_not_taken_for_the_feedback(question: Question) -> None:
    FeedbackFactory(answer__question=question)
    started(question)

    page = signed_in(question.session.owner).get(f"/practice/{question.session_id}/").text

    assert "Feedback is being written" not in page


def test_kind_of_the_page_that_was_stopped_says_so(question: Question) -> None:
    operation = started(question)

    api_client(question.session.owner).post(f"/api/v1/operations/{operation.pk}/cancel/")

    page = signed_in(question.session.owner).get(f"/questions/{question.pk}/").text
    assert "The search for the reason was stopped." in page
