"""Operations over HTTP: whose, in which shape, and what may be done with them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from operations.models import Alert, Attempt, Operation
from operations.tests.api_client import api_client, assert_problem, grant
from operations.tests.endings import fail
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)
from operations.tests.judgement.kind import JudgementKind

pytestmark = pytest.mark.django_db

OPERATIONS = "/api/v1/operations/"


def path_of(operation: Operation, verb: str = "") -> str:
    return f"{OPERATIONS}{operation.pk}/{verb}"


@pytest.fixture
def alice() -> User:
    return UserFactory(username="alice")


@pytest.fixture
def bob() -> User:
    return UserFactory(username="bob")


def ids(response: Any) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def queries_of(action: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


# --- Shape --------------------------------------------------------------------------------------


def test_pending_operation_has_the_shape_of_the_contract(alice: User) -> None:
    operation = OperationFactory(owner=alice)

    body = api_client(alice).get(path_of(operation)).json()

    created_at = body.pop("created_at")
    assert created_at.endswith("Z")
    assert body == {
        "id": str(operation.pk),
        "kind": "question_generation",
        "status": "pending",
        "session": str(operation.session_id),
        "subject": {"type": "session", "id": operation.subject_id},
        "attempts": 0,
        "attempts_left": 4,
        "next_attempt_at": None,
        "waiting": {"reason": "queued", "message": "Waiting for its turn.", "until": None},
        "error_code": None,
        "error_message": None,
        "error": None,
        "simulated": False,
        "model": "",
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": None},
        "started_at": None,
        "finished_at": None,
    }


def test_failed_operation_says_what_happened_and_what_helps(alice: User) -> None:
    operation = OperationFactory(
        failed=True,
        owner=alice,
        error_code="RATE_LIMIT_EXCEEDED",
        retry_after_at=timezone.now() + timedelta(seconds=40),
        next_attempt_at=timezone.now(),
        cost_usd=Decimal("0.001200"),
    )

    body = api_client(alice).get(path_of(operation)).json()

    assert (body["status"], body["error_code"]) == ("failed", "RATE_LIMIT_EXCEEDED")
    assert body["error_message"] == body["error"]["message"] != ""
    assert 38 <= body["error"].pop("retry_after") <= 40
    assert body["error"].pop("message")
    assert body["error"].pop("action")
    assert body["error"] == {
        "category": "rate_limit",
        "code": "RATE_LIMIT_EXCEEDED",
        "retryable": True,
    }
    assert body["waiting"] is body["next_attempt_at"] is None
    assert body["attempts_left"] == 0
    assert body["usage"]["cost_usd"] == 0.0012


def test_moment_of_a_new_try_that_has_passed_is_zero_seconds_away(alice: User) -> None:
    operation = OperationFactory(
        failed=True, owner=alice, retry_after_at=timezone.now() - timedelta(seconds=5)
    )

    assert api_client(alice).get(path_of(operation)).json()["error"]["retry_after"] == 0


@pytest.mark.parametrize("state", ["running", "completed", "cancelled"])
def test_operation_that_has_not_failed_has_no_error(alice: User, state: str) -> None:
    operation = OperationFactory(owner=alice, **{state: True})

    body = api_client(alice).get(path_of(operation)).json()

    assert body["status"] == state
    assert body["error_code"] is body["error_message"] is body["error"] is None


def test_back_off_tells_the_time_of_the_next_call(alice: User) -> None:
    operation = OperationFactory(
        running=True,
        owner=alice,
        waiting_reason="backoff",
        next_attempt_at=timezone.now() + timedelta(seconds=2),
    )

    body = api_client(alice).get(path_of(operation)).json()

    assert body["waiting"]["reason"] == "backoff"
    assert body["waiting"]["until"] == body["next_attempt_at"]
    assert body["next_attempt_at"].endswith("Z")


def test_paused_credential_is_why_its_operations_wait(alice: User) -> None:
    pause = ProviderPauseFactory()
    operation = OperationFactory(owner=alice, credential=pause.credential)

    body = api_client(alice).get(path_of(operation)).json()

    assert body["waiting"]["reason"] == "provider_paused"
    assert "https://" not in str(body)


def test_texts_are_in_the_language_of_the_reader(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)

    response = api_client(alice).get(path_of(operation), headers={"accept-language": "de"})

    assert response["Content-Language"] == "de"


# --- Polling ------------------------------------------------------------------------------------


def test_unchanged_operation_is_not_sent_again(alice: User) -> None:
    operation = OperationFactory(owner=alice)
    client = api_client(alice)
    etag = client.get(path_of(operation))["ETag"]

    response = client.get(path_of(operation), headers={"if-none-match": etag})

    assert (response.status_code, response.content) == (304, b"")
    assert (response["ETag"], response["Retry-After"]) == (etag, "1")


def test_changed_operation_is_sent_with_a_new_etag(alice: User) -> None:
    operation = OperationFactory(owner=alice)
    client = api_client(alice)
    etag = client.get(path_of(operation))["ETag"]
    Operation.objects.update(status="cancelled", finished_at=timezone.now())

    response = client.get(path_of(operation), headers={"if-none-match": etag})

    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response["ETag"] != etag


def test_retry_after_is_sent_only_while_unfinished(alice: User) -> None:
    client = api_client(alice)

    assert "Retry-After" not in client.get(path_of(OperationFactory(completed=True, owner=alice)))
    assert client.get(path_of(OperationFactory(running=True, owner=alice)))["Retry-After"] == "1"


def test_retry_after_follows_a_longer_wait_up_to_half_a_minute(alice: User) -> None:
    client = api_client(alice)
    now = timezone.now()
    soon = OperationFactory(owner=alice, next_attempt_at=now + timedelta(seconds=10))
    late = OperationFactory(owner=alice, next_attempt_at=now + timedelta(hours=1))

    assert 8 <= int(client.get(path_of(soon))["Retry-After"]) <= 10
    assert client.get(path_of(late))["Retry-After"] == "30"


# --- Lists --------------------------------------------------------------------------------------


def test_list_holds_own_operations_newest_first(alice: User, bob: User) -> None:
    first, second = OperationFactory(owner=alice), OperationFactory(owner=alice)
    OperationFactory(owner=bob)

    assert ids(api_client(alice).get(OPERATIONS)) == [str(second.pk), str(first.pk)]


def test_list_comes_in_cursor_pages(alice: User) -> None:
    rows = OperationFactory.create_batch(5, owner=alice)
    # All of one instant: the id alone gives them an order.
    Operation.objects.update(created_at=timezone.now())
    client = api_client(alice)
    seen: list[str] = []

    url = f"{OPERATIONS}?page_size=2"
    while url:
        page = client.get(url).json()
        assert page.keys() == {"next", "previous", "results"}
        seen += [row["id"] for row in page["results"]]
        url = page["next"]

    assert sorted(seen) == sorted(str(row.pk) for row in rows)


@pytest.mark.parametrize("cursor", ["nonsense", "cD1hYmM=", "bz0tMQ==", "é"])
def test_damaged_cursor_is_refused(alice: User, cursor: str) -> None:
    OperationFactory(owner=alice)

    body = assert_problem(
        api_client(alice).get(f"{OPERATIONS}?cursor={cursor}"), 400, "VALIDATION_ERROR"
    )

    assert body["errors"][0]["field"] == "cursor"


def test_list_is_filtered(alice: User) -> None:
    failed = OperationFactory(owner=alice, failed=True, error_code="TIMEOUT")
    summary = OperationFactory(owner=alice, kind="session_summary")
    client = api_client(alice)

    assert ids(client.get(f"{OPERATIONS}?status=failed")) == [str(failed.pk)]
    assert ids(client.get(f"{OPERATIONS}?category=network")) == [str(failed.pk)]
    assert ids(client.get(f"{OPERATIONS}?category=internal")) == []
    assert ids(client.get(f"{OPERATIONS}?kind=session_summary")) == [str(summary.pk)]
    assert ids(client.get(f"{OPERATIONS}?session={failed.session_id}")) == [str(failed.pk)]


@pytest.mark.parametrize("name", ["status", "kind", "category", "session"])
def test_filter_that_means_nothing_is_refused(alice: User, name: str) -> None:
    response = api_client(alice).get(f"{OPERATIONS}?{name}=nonsense")

    body = assert_problem(response, 400, "VALIDATION_ERROR")
    assert [error["field"] for error in body["errors"]] == [name]


def test_list_asks_the_database_equally_often_for_2_and_for_20(alice: User) -> None:
    client = api_client(alice)
    OperationFactory.create_batch(2, owner=alice)
    client.get(OPERATIONS)  # the first use of a token is noted
    few = queries_of(lambda: client.get(OPERATIONS))
    OperationFactory.create_batch(9, owner=alice)
    OperationFactory.create_batch(9, owner=alice, failed=True)

    assert len(ids(client.get(OPERATIONS))) == 20
    assert queries_of(lambda: client.get(OPERATIONS)) == few


# --- Attempts -----------------------------------------------------------------------------------


def test_attempts_are_listed_in_order(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)
    AttemptFactory(operation=operation, number=2, wait_seconds=2.1, detail="masked text")
    AttemptFactory(operation=operation, number=1, wait_seconds=1.05, cost_usd=Decimal("0.5"))

    page = api_client(alice).get(path_of(operation, "attempts/")).json()

    first, second = page["results"]
    assert (first["number"], second["number"]) == (1, 2)
    assert first.pop("started_at").endswith("Z")
    assert first.pop("finished_at").endswith("Z")
    assert first == {
        "number": 1,
        "run": 1,
        "outcome": "failed",
        "category": "server_error",
        "error_code": "SERVER_ERROR",
        "http_status": 500,
        "provider_request_id": "",
        "duration_ms": 120,
        "wait_seconds": 1.05,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 0.5,
        "possibly_paid_twice": False,
    }
    assert "masked text" not in str(page)


def test_attempt_that_has_not_failed_has_no_error(alice: User) -> None:
    operation = OperationFactory(running=True, owner=alice)
    AttemptFactory(operation=operation, running=True)

    (attempt,) = api_client(alice).get(path_of(operation, "attempts/")).json()["results"]

    assert attempt["category"] is attempt["error_code"] is attempt["finished_at"] is None


def test_long_ledger_comes_in_pages(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)
    for number in (1, 2, 3):
        AttemptFactory(operation=operation, number=number)
    client = api_client(alice)

    first = client.get(path_of(operation, "attempts/?page_size=2")).json()
    second = client.get(first["next"]).json()

    numbers = [row["number"] for page in (first, second) for row in page["results"]]
    assert numbers == list(Attempt.objects.values_list("number", flat=True)) == [1, 2, 3]


# --- Try again and cancel -----------------------------------------------------------------------


def test_failed_operation_is_tried_again(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)

    response = api_client(alice).post(path_of(operation, "retry/"), {"when": "now"})

    body = response.json()
    assert response.status_code == 202
    assert response["Location"].endswith(path_of(operation))
    assert (body["id"], body["status"]) == (str(operation.pk), "pending")
    assert (body["error"], body["attempts_left"]) == (None, 4)
    assert operation.events.get(name="operation.retried").door == "api"


def test_retry_when_possible_waits_for_the_time_that_the_provider_named(alice: User) -> None:
    at = timezone.now() + timedelta(minutes=5)
    operation = OperationFactory(
        failed=True, owner=alice, error_code="RATE_LIMIT_EXCEEDED", retry_after_at=at
    )

    body = api_client(alice).post(path_of(operation, "retry/"), {"when": "possible"}).json()

    assert body["next_attempt_at"] == at.isoformat().replace("+00:00", "Z")


def test_retry_at_another_time_is_refused(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)

    response = api_client(alice).post(path_of(operation, "retry/"), {"when": "tomorrow"})

    body = assert_problem(response, 400, "VALIDATION_ERROR")
    assert body["errors"][0]["field"] == "when"


@pytest.mark.parametrize("state", ["running", "completed"])
def test_operation_that_did_not_fail_is_not_tried_again(alice: User, state: str) -> None:
    operation = OperationFactory(owner=alice, **{state: True})

    assert_problem(api_client(alice).post(path_of(operation, "retry/")), 409, "NOT_RETRYABLE")


def test_second_click_on_retry_is_refused(alice: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)
    client = api_client(alice)
    client.post(path_of(operation, "retry/"))

    assert_problem(client.post(path_of(operation, "retry/")), 409, "NOT_RETRYABLE")


def test_retry_beside_a_newer_unfinished_operation_names_it(alice: User) -> None:
    old = OperationFactory(failed=True, owner=alice)
    newer = OperationFactory(owner=alice, subject_id=old.subject_id)

    response = api_client(alice).post(path_of(old, "retry/"))

    assert assert_problem(response, 409, "IN_PROGRESS")["operation"] == str(newer.pk)


def test_pending_operation_is_cancelled(alice: User) -> None:
    operation = OperationFactory(owner=alice)

    response = api_client(alice).post(path_of(operation, "cancel/"))

    assert (response.status_code, response.json()["status"]) == (202, "cancelled")


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_final_operation_is_not_cancelled(alice: User, state: str) -> None:
    operation = OperationFactory(owner=alice, **{state: True})

    assert_problem(api_client(alice).post(path_of(operation, "cancel/")), 409, "NOT_CANCELLABLE")


# --- Other people's -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "verb"),
    [("get", ""), ("get", "attempts/"), ("post", "retry/"), ("post", "cancel/")],
)
def test_operation_of_somebody_else_does_not_exist(
    alice: User, bob: User, method: str, verb: str
) -> None:
    operation = OperationFactory(failed=True, owner=alice)

    assert_problem(getattr(api_client(bob), method)(path_of(operation, verb)), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "verb"),
    [("get", ""), ("get", "attempts/"), ("post", "retry/"), ("post", "cancel/")],
)
def test_unknown_operation_is_not_found(alice: User, method: str, verb: str) -> None:
    path = f"{OPERATIONS}{uuid.uuid4()}/{verb}"

    assert_problem(getattr(api_client(alice), method)(path), 404, "NOT_FOUND")


def test_permission_shows_operations_of_everybody(alice: User, bob: User) -> None:
    operation = OperationFactory(failed=True, owner=alice)
    AttemptFactory(operation=operation)
    client = api_client(grant(bob, "view_operation"))

    assert ids(client.get(OPERATIONS)) == [str(operation.pk)]
    assert client.get(path_of(operation)).status_code == 200
    assert len(client.get(path_of(operation, "attempts/")).json()["results"]) == 1


@pytest.mark.parametrize("verb", ["retry/", "cancel/"])
def test_permission_to_look_is_none_to_act(alice: User, bob: User, verb: str) -> None:
    operation = OperationFactory(failed=True, owner=alice)
    client = api_client(grant(bob, "view_operation"))

    assert_problem(client.post(path_of(operation, verb)), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("verb", "codename", "state"),
    [("retry/", "retry_operation", {"failed": True}), ("cancel/", "cancel_operation", {})],
)
def test_permission_to_act_holds_for_operations_of_others(
    alice: User, bob: User, verb: str, codename: str, state: dict[str, bool]
) -> None:
    operation = OperationFactory(owner=alice, **state)

    response = api_client(grant(bob, codename)).post(path_of(operation, verb))

    assert response.status_code == 202
    assert operation.events.get().actor == bob


def test_kinds_of_any_application_can_be_filtered_by(alice: User, judgement: JudgementKind) -> None:
    operation = OperationFactory(owner=alice, kind="judgement")

    assert ids(api_client(alice).get(f"{OPERATIONS}?kind=judgement")) == [str(operation.pk)]


# --- Stats --------------------------------------------------------------------------------------

STATS = "/api/v1/operations/stats/"


def test_stats_are_for_those_who_may_see_all() -> None:
    assert_problem(api_client().get(STATS), 401, "NOT_AUTHENTICATED")
    assert_problem(api_client(UserFactory()).get(STATS), 403, "PERMISSION_DENIED")


def test_stats_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    OperationFactory.create_batch(2)
    fail(OperationFactory(running=True))
    WorkerHeartbeatFactory()
    ProviderPauseFactory()
    operator = grant(UserFactory(), "view_operation")

    stats = api_client(operator).get(STATS).json()

    call_command("operation_stats", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert stats.keys() == printed.keys()
    assert stats["by_status"] == printed["by_status"]
    assert (stats["by_status"]["pending"], stats["by_status"]["failed"]) == (2, 1)
    assert stats["errors"] == {"1h": {"server_error": 1}, "24h": {"server_error": 1}}
    assert (stats["workers"], stats["in_flight"], len(stats["paused"])) == (1, 0, 1)


# --- Whether the administrator knows ------------------------------------------------------------


def failures_and_waits(owner: User, number: int) -> None:
    """Of two credentials, of which one failure is known; and what waits behind the installation's
    pause, and behind a person's own key."""
    for _ in range(number):
        for credential, code in (("a", "INVALID_API_KEY"), ("b", "MODEL_NOT_FOUND")):
            OperationFactory(owner=owner, failed=True, credential=credential, error_code=code)
        OperationFactory(owner=owner)
        OperationFactory(owner=owner, own_key=True)


def told_alert(now: datetime, **values: Any) -> None:
    Alert.objects.create(
        **{"opened_at": now, "seen_at": now, "told_at": now, "times_told": 1, "text": "", **values}
    )


def test_list_asks_once_for_all_whether_the_administrator_knows(alice: User) -> None:
    now = timezone.now()
    ProviderPauseFactory(credential="a")
    ProviderPauseFactory(credential="own", own_key_owner=alice)
    told_alert(now, condition="INVALID_API_KEY", subject="a")
    resolved = {"resolved_at": now - timedelta(hours=1)}
    told_alert(now, condition="MODEL_NOT_FOUND", subject="b", **resolved)
    client = api_client(alice)
    client.get(OPERATIONS)  # notes the token's use

    failures_and_waits(alice, 1)
    few = queries_of(lambda: client.get(OPERATIONS))
    failures_and_waits(alice, 4)
    many = queries_of(lambda: client.get(f"{OPERATIONS}?page_size=100"))

    assert few == many
    rows = client.get(f"{OPERATIONS}?page_size=100").json()["results"]
    assert len(rows) == 20
    assert {alone(client, row["id"]) for row in rows} == {words_of(row) for row in rows}
    words = " ".join(sorted({words_of(row) for row in rows}))
    assert words.count("The administrator has been told") == 2
    assert words.count("Please tell the administrator") == 1
    assert words.count("Your API key does not work") == 1


def words_of(row: dict[str, Any]) -> str:
    return row["error_message"] or row["waiting"]["message"]


def alone(client: Any, operation_id: str) -> str:
    return words_of(client.get(f"{OPERATIONS}{operation_id}/").json())
