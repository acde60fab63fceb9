"""Like the real thing: one question at a time, a clock that only counts, feedback at the end."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from interview_app.api.exports import account_archive
from interview_app.models import Draft, InterviewSession, Question, QuestionTimer
from interview_app.real_mode import open_question, resume_timer
from interview_app.services import finish_session, save_answer
from interview_app.tests.factories import (
    AnswerFactory,
    FeedbackFactory,
    InterviewSessionFactory,
    QuestionFactory,
)
from interview_app.tests.samples import STRONG_ANSWER
from operations.tests.api_client import api_client

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


@pytest.fixture
def session(alice: User, client: Client) -> InterviewSession:
    """Three questions to alice, who is signed in."""
    made: InterviewSession = InterviewSessionFactory(owner=alice, mode="real", question_count=3)
    for words in ("First", "Second", "Third"):
        QuestionFactory(session=made, text=f"{words}: what did you do?")
    client.force_login(alice)
    return made


def question(session: InterviewSession, number: int) -> Question:
    return session.questions.get(number=number)


def opened(client: Client, session: InterviewSession, number: int) -> str:
    return client.get(f"/questions/{question(session, number).pk}/").text


def timer(session: InterviewSession, number: int) -> QuestionTimer:
    return QuestionTimer.objects.get(question__session=session, question__number=number)


def press(client: Client, session: InterviewSession, number: int, verb: str, text: str = "") -> Any:
    address = f"/questions/{question(session, number).pk}/draft/"
    return client.post(address, {"text": text, "timer": verb}, follow=True)


# --- One question at a time ---------------------------------------------------------------------


def test_questions_that_come_later_are_not_shown(client: Client, session: InterviewSession) -> None:
    page = client.get(f"/practice/{session.pk}/").text

    assert "what did you do?" not in page
    assert page.count("Comes later") == 3
    assert f"/questions/{question(session, 1).pk}/" in page


def test_the_next_one_is_shown_once_it_is_opened(client: Client, session: InterviewSession) -> None:
    assert "First: what did you do?" in opened(client, session, 1)

    page = client.get(f"/practice/{session.pk}/").text

    assert "First: what did you do?" in page
    assert "Second:" not in page


def test_one_that_comes_later_leads_back(client: Client, session: InterviewSession) -> None:
    page = client.get(f"/questions/{question(session, 3).pk}/", follow=True)

    assert page.redirect_chain == [(f"/practice/{session.pk}/", 302)]
    assert "One question at a time" in page.text
    assert "Third:" not in page.text
    assert not QuestionTimer.objects.exists()


def test_a_question_links_to_no_other_than_the_next(
    client: Client, session: InterviewSession
) -> None:
    page = opened(client, session, 1)

    assert f'href="/questions/{question(session, 2).pk}/"' in page
    assert "Skip this question" in page
    assert str(question(session, 3).pk) not in page


def test_a_skipped_question_can_be_opened_again(client: Client, session: InterviewSession) -> None:
    opened(client, session, 1)
    opened(client, session, 2)

    assert "First: what did you do?" in opened(client, session, 1)


def test_a_practice_shows_all_and_times_nothing(client: Client, session: InterviewSession) -> None:
    InterviewSession.objects.update(mode="practice")

    page = opened(client, session, 3)

    assert "Third: what did you do?" in page
    assert 'class="timer"' not in page
    assert not QuestionTimer.objects.exists()


# --- The clock ----------------------------------------------------------------------------------


def test_the_clock_starts_with_the_first_look_and_goes_on_from_there(
    client: Client, session: InterviewSession
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        first = opened(client, session, 1)
        clock.shift(timedelta(seconds=48))
        again = opened(client, session, 1)

    assert "5:00 min" in first
    assert "15:00 min" in first
    assert 'data-until="2026-05-04T14:05:00+00:00"' in first
    assert "4:12 min" in again
    assert "14:12 min" in again
    assert 'data-until="2026-05-04T14:05:00+00:00"' in again


def test_a_paused_clock_stands_still_and_what_was_typed_is_a_draft(
    client: Client, session: InterviewSession
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, session, 1)
        clock.shift(timedelta(seconds=60))
        page = press(client, session, 1, "pause", text="I began")
        clock.shift(timedelta(hours=3))
        later = opened(client, session, 1)

    assert "The time stands still." in page.text
    assert Draft.objects.get().text == "I began"
    assert "4:00 min" in later
    assert "data-until" not in later


def test_a_clock_goes_on_from_where_it_stood(client: Client, session: InterviewSession) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, session, 1)
        clock.shift(timedelta(seconds=60))
        press(client, session, 1, "pause")
        clock.shift(timedelta(hours=3))
        press(client, session, 1, "resume")
        clock.shift(timedelta(seconds=30))
        page = opened(client, session, 1)

    assert "3:30 min" in page


def test_time_over_changes_nothing_but_a_sentence(
    client: Client, session: InterviewSession
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, session, 1)
        clock.shift(timedelta(hours=9))
        page = opened(client, session, 1)
        response = client.post(f"/questions/{question(session, 1).pk}/", {"text": STRONG_ANSWER})

    assert "The time for this question is over. Take what you need: nothing changes." in page
    assert "data-until" not in page
    assert response.status_code == 302
    assert question(session, 1).answers.count() == 1


def test_one_clock_runs_at_a_time(session: InterviewSession) -> None:
    with time_machine.travel(START, tick=False) as clock:
        open_question(question=question(session, 1))
        clock.shift(timedelta(seconds=20))
        open_question(question=question(session, 2))
        clock.shift(timedelta(seconds=5))
        resume_timer(question=question(session, 1))

    assert (timer(session, 1).spent_seconds, timer(session, 1).running_since) == (
        20,
        START + timedelta(seconds=25),
    )
    assert (timer(session, 2).spent_seconds, timer(session, 2).running_since) == (5, None)


@pytest.mark.parametrize("ending", ["answer", "finish"])
def test_an_answer_and_the_end_stop_the_clock(session: InterviewSession, ending: str) -> None:
    AnswerFactory(question=question(session, 2))
    with time_machine.travel(START, tick=False) as clock:
        open_question(question=question(session, 1))
        clock.shift(timedelta(seconds=20))
        if ending == "answer":
            save_answer(question=question(session, 1), text=STRONG_ANSWER)
        else:
            finish_session(session=session)

    assert (timer(session, 1).spent_seconds, timer(session, 1).running_since) == (20, None)


def test_other_peoples_clocks_cannot_be_stopped(
    client: Client, session: InterviewSession, bob: User
) -> None:
    open_question(question=question(session, 1))
    client.force_login(bob)

    assert press(client, session, 1, "pause").status_code == 404
    assert timer(session, 1).running_since is not None


# --- Feedback at the end ------------------------------------------------------------------------


@pytest.fixture
def judged(session: InterviewSession) -> InterviewSession:
    FeedbackFactory(answer__question=question(session, 1))
    return session


def feedback_in_api(session: InterviewSession) -> Any:
    body = api_client(session.owner).get(f"/api/v1/sessions/{session.pk}/").json()
    return body["questions"][0]["feedback"]


def export(session: InterviewSession, ending: str) -> str:
    address = f"/api/v1/sessions/{session.pk}/export/?format={ending}"
    return api_client(session.owner).get(address).content.decode()


@pytest.mark.parametrize("door", ["session", "question", "api", "md", "json", "progress"])
def test_every_door_holds_the_feedback_back_until_the_end(
    client: Client, judged: InterviewSession, door: str
) -> None:
    looks = {
        "session": lambda: "3.5" in client.get(f"/practice/{judged.pk}/").text,
        "question": lambda: "3.5" in opened(client, judged, 1),
        "api": lambda: feedback_in_api(judged) is not None,
        "md": lambda: "3.5" in export(judged, "md"),
        "json": lambda: "3.5" in export(judged, "json"),
        "progress": lambda: bool(
            api_client(judged.owner).get("/api/v1/progress/").json()["competencies"]
        ),
    }

    before = looks[door]()
    finish_session(session=judged)

    assert not before
    assert looks[door]()


def test_what_is_kept_about_a_person_is_theirs_at_any_time(judged: InterviewSession) -> None:
    with account_archive(judged.owner) as file, zipfile.ZipFile(file) as archive:
        name = next(each for each in archive.namelist() if each.startswith("practices/"))
        kept = json.loads(archive.read(name.removesuffix(".md").removesuffix(".json") + ".json"))

    assert kept["questions"][0]["feedback"]["score"] == 3.5


def test_the_last_answer_leads_to_finish_and_see(client: Client, session: InterviewSession) -> None:
    for number in (1, 2, 3):
        AnswerFactory(question=question(session, number))

    assert "Finish and see the feedback" in client.get(f"/practice/{session.pk}/").text
