"""The buttons of an operation's card: try again, stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from interview_app.models import InterviewSession
from interview_app.tests.engine import run_what_is_due
from interview_app.tests.factories import InterviewSessionFactory, QuestionFactory
from interview_app.tests.samples import STRONG_ANSWER
from operations.models import Operation
from operations.tests.factories import OperationFactory, ProviderPauseFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice: User, client: Client) -> InterviewSession:
    """A practice of alice, who is signed in."""
    client.force_login(alice)
    made: InterviewSession = InterviewSessionFactory(owner=alice)
    return made


def generation(session: InterviewSession, **values: object) -> Operation:
    operation: Operation = OperationFactory(
        subject_id=str(session.pk), session_id=session.pk, owner=session.owner, **values
    )
    return operation


def page_of(client: Client, session: InterviewSession) -> str:
    return client.get(f"/practice/{session.pk}/").text


def test_try_again_queues_the_same_operation(client: Client, session: InterviewSession) -> None:
    operation = generation(session, failed=True)
    here = f"/practice/{session.pk}/"

    response = client.post(f"/operations/{operation.pk}/retry/", {"next": here})

    operation.refresh_from_db()
    assert response["Location"] == here
    assert (operation.status, operation.run) == ("pending", 2)
    assert "Trying again." in client.get(here).text


def test_a_second_try_again_gets_a_sentence(client: Client, session: InterviewSession) -> None:
    operation = generation(session, failed=True)

    client.post(f"/operations/{operation.pk}/retry/")
    page = client.post(f"/operations/{operation.pk}/retry/", follow=True)

    assert "Only a failed or cancelled operation can be tried again." in page.text


def test_stop_cancels_and_offers_a_new_start(client: Client, session: InterviewSession) -> None:
    operation = generation(session)

    client.post(f"/operations/{operation.pk}/cancel/")

    operation.refresh_from_db()
    assert operation.status == "cancelled"
    page = page_of(client, session)
    assert "The preparation of your questions was stopped." in page
    assert "Start again" in page


def test_what_has_ended_cannot_be_stopped(client: Client, session: InterviewSession) -> None:
    operation = generation(session, failed=True)

    page = client.post(f"/operations/{operation.pk}/cancel/", follow=True)

    assert "This operation has already ended." in page.text


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_other_peoples_operations_do_not_exist(
    client: Client, session: InterviewSession, bob: User, verb: str
) -> None:
    operation = generation(session, failed=verb == "retry")
    client.force_login(bob)

    assert client.post(f"/operations/{operation.pk}/{verb}/").status_code == 404
    before = operation.status
    operation.refresh_from_db()
    assert operation.status == before


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_a_link_alone_changes_nothing(client: Client, session: InterviewSession, verb: str) -> None:
    operation = generation(session, failed=True)

    assert client.get(f"/operations/{operation.pk}/{verb}/").status_code == 405


def test_next_never_leads_to_another_site(client: Client, session: InterviewSession) -> None:
    operation = generation(session, failed=True)

    response = client.post(f"/operations/{operation.pk}/retry/", {"next": "https://evil.example/"})

    assert response["Location"] == "/practice/"


def test_a_wait_for_the_administrator_is_explained(
    client: Client, session: InterviewSession
) -> None:
    pause = ProviderPauseFactory()
    generation(session, credential=pause.credential)

    assert "The AI service is out of reach for us at the moment." in page_of(client, session)


def test_a_back_off_says_which_try_comes_next(client: Client, session: InterviewSession) -> None:
    generation(
        session,
        status="running",
        fence=1,
        attempts=2,
        run_attempts=2,
        waiting_reason="backoff",
        lease_owner="00000000-0000-0000-0000-000000000001",
        lease_expires_at=timezone.now() + timedelta(seconds=30),
        next_attempt_at=timezone.now() + timedelta(seconds=2),
    )

    page = page_of(client, session)

    assert "we are about to ask again" in page
    assert "Next try:" in page
    assert "Try 3 of 4." in page


def test_a_long_wait_says_that_one_may_leave(client: Client, session: InterviewSession) -> None:
    generation(session, queued_at=timezone.now() - timedelta(seconds=20))

    assert "You can leave: the result will be in “My practice”." in page_of(client, session)


def rate_limited(session: InterviewSession, *, until: datetime) -> Operation:
    return generation(session, failed=True, error_code="RATE_LIMIT_EXCEEDED", retry_after_at=until)


def test_a_rate_limit_says_from_when_a_new_try_makes_sense(
    client: Client, session: InterviewSession
) -> None:
    moment = datetime(2126, 5, 4, 14, 7, 30, tzinfo=UTC)
    rate_limited(session, until=moment)

    page = page_of(client, session)

    assert "or try again from then on:" in page
    assert "data-clock>14:07:30 UTC</time>" in page


def test_do_it_for_me_then_waits_for_the_named_time(
    client: Client, session: InterviewSession
) -> None:
    moment = timezone.now() + timedelta(minutes=4)
    operation = rate_limited(session, until=moment)
    here = f"/practice/{session.pk}/"
    assert "Do it for me then" in page_of(client, session)

    client.post(f"/operations/{operation.pk}/retry/", {"next": here, "when": "possible"})

    operation.refresh_from_db()
    assert (operation.status, operation.next_attempt_at) == ("pending", moment)
    page = page_of(client, session)
    assert "It will be done for you. You can leave." in page
    assert "It is done for you at this time:" in page
    assert "takes longer than usual" not in page


def test_once_the_named_time_is_over_there_is_nothing_to_wait_for(
    client: Client, session: InterviewSession
) -> None:
    rate_limited(session, until=timezone.now() - timedelta(seconds=1))

    page = page_of(client, session)

    assert "the time that the AI service named is over" in page
    assert "Do it for me" not in page


def test_do_it_for_me_when_it_works_waits_behind_the_pause(
    client: Client, session: InterviewSession
) -> None:
    ProviderPauseFactory()
    operation = generation(session, failed=True, error_code="INVALID_API_KEY")
    assert "Do it for me when it works" in page_of(client, session)

    client.post(f"/operations/{operation.pk}/retry/", {"when": "possible"})

    operation.refresh_from_db()
    assert (operation.status, operation.is_probe) == ("pending", False)
    assert "The AI service is out of reach for us at the moment." in page_of(client, session)


def test_a_refused_key_that_nothing_waits_behind_offers_no_such_button(
    client: Client, session: InterviewSession
) -> None:
    generation(session, failed=True, error_code="INVALID_API_KEY")

    assert "Do it for me" not in page_of(client, session)


def test_who_waits_is_told_how_many_are_ahead(
    client: Client, session: InterviewSession, bob: User
) -> None:
    now = timezone.now()
    for seconds in (3, 2):
        OperationFactory(owner=bob, turn_at=now - timedelta(seconds=seconds))
    OperationFactory(owner=bob, turn_at=now + timedelta(seconds=9))
    OperationFactory(
        owner=bob,
        turn_at=now - timedelta(seconds=4),
        waiting_reason="rate_limited",
        next_attempt_at=now + timedelta(hours=1),
    )
    generation(session, turn_at=now)

    page = page_of(client, session)

    assert "Waiting for its turn. 2 are ahead of it." in page
    assert 'data-announce="Waiting for its turn."' in page


def test_a_running_call_counts_from_its_own_start(
    client: Client, session: InterviewSession
) -> None:
    started = timezone.now() - timedelta(seconds=5)
    generation(session, running=True, started_at=started)

    page = page_of(client, session)

    assert f'data-since="{started.isoformat()}"' in page
    assert "ahead of it" not in page


@pytest.mark.parametrize(
    ("code", "weight"),
    [
        pytest.param("SERVER_ERROR", '<button class="" ', id="a new try may help"),
        pytest.param("INVALID_API_KEY", '<button class="quiet" ', id="the set-up must change"),
    ],
)
def test_the_button_weighs_less_where_a_new_try_cannot_help(
    client: Client, session: InterviewSession, code: str, weight: str
) -> None:
    operation = generation(session, failed=True, error_code=code)

    address = f'formaction="/operations/{operation.pk}/retry/"'
    assert f'{weight}type="submit" form="verbs" {address}' in page_of(client, session)


@pytest.mark.django_db(transaction=True)
def test_try_again_brings_the_questions_once_the_provider_is_back(
    client: Client, session: InterviewSession
) -> None:
    operation = generation(session, failed=True)

    client.post(f"/operations/{operation.pk}/retry/")
    run_what_is_due()

    page = page_of(client, session)
    assert page.count('class="question-row"') == 5
    assert "Answer the first question" in page


@pytest.mark.django_db(transaction=True)
def test_an_answer_outlives_a_refused_key_and_is_analysed_on_try_again(
    client: Client, session: InterviewSession, settings: Settings
) -> None:
    question = QuestionFactory(session=session)
    with FaultServer() as provider:
        settings.OPENAI_API_KEY = "sk-a-key-for-tests-only"
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{provider.port}/v1"
        provider.playing = "auth_invalid_api_key"
        client.post(f"/questions/{question.pk}/", {"text": STRONG_ANSWER})
        run_what_is_due()

        refused = client.get(f"/questions/{question.pk}/").text
        operation = Operation.objects.get()
        provider.playing = "ok"
        client.post(f"/operations/{operation.pk}/retry/")
        run_what_is_due()

    assert "INVALID_API_KEY" in refused
    assert escape(STRONG_ANSWER) in refused
    operation.refresh_from_db()
    assert (operation.status, operation.attempts) == ("completed", 2)
    assert 'class="card feedback"' in client.get(f"/questions/{question.pk}/").text
