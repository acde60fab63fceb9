"""What an operator sees of operations, and that nothing there runs code or edits state."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from operations import pauses
from operations.admin.search import MOST_TEXTS
from operations.console import bulk
from operations.models import Attempt, Operation, ProviderPause, WorkerRestart
from operations.tests.crowd import make_failed
from operations.tests.factories import (
    AttemptFactory,
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

CHANGELIST = "/admin/operations/operation/"
EARLIER = timezone.now() - timedelta(hours=1)
LATER = timezone.now() + timedelta(hours=1)


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(
        get_user_model().objects.create_superuser("ops", "ops@example.org", "correct horse")
    )
    return client


def test_failed_operations_are_listed_with_their_message(operator: Client) -> None:
    OperationFactory(failed=True, error_code="QUOTA_EXCEEDED", owner=UserFactory())
    OperationFactory(completed=True)

    page = operator.get(CHANGELIST, {"status__exact": "failed"})

    assert page.context["cl"].result_count == 1
    assert "QUOTA_EXCEEDED" in page.content.decode()


def test_list_can_be_narrowed_to_one_error_category(operator: Client) -> None:
    OperationFactory(failed=True, error_code="QUOTA_EXCEEDED")
    OperationFactory(failed=True, error_code="SERVER_ERROR")

    page = operator.get(CHANGELIST, {"error_category__exact": "server_error"})

    assert page.context["cl"].result_count == 1


def test_operation_page_shows_every_attempt_and_the_remedy(operator: Client) -> None:
    operation = OperationFactory(failed=True, error_code="INVALID_API_KEY")
    AttemptFactory(operation=operation, provider_request_id="req_0123")

    text = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()

    assert "req_0123" in text
    assert "OPENAI_API_KEY" in text, "the remedy names the variable"
    assert f"{operation.pk}/retry/" in text


def test_completed_operation_offers_no_retry(operator: Client) -> None:
    operation = OperationFactory(completed=True)

    text = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()

    assert "/retry/" not in text


def test_operations_cannot_be_edited_added_or_deleted(operator: Client) -> None:
    operation = OperationFactory(failed=True)
    path = f"{CHANGELIST}{operation.pk}/"

    assert operator.post(f"{path}change/", {"status": "completed"}).status_code == 403
    assert operator.get(f"{path}delete/").status_code == 403
    assert operator.get(f"{CHANGELIST}add/").status_code == 403


def test_list_needs_the_same_queries_for_many_rows(
    operator: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    OperationFactory.create_batch(40, failed=True, owner=UserFactory())

    # PostgreSQL is asked for the time, by each part of the page.
    with django_assert_max_num_queries(36 if connection.vendor == "sqlite" else 39):
        operator.get(CHANGELIST)


STATES: dict[str, dict[str, Any]] = {
    "queued": {},
    "running": {"running": True},
    "retrying": {"running": True, "waiting_reason": "backoff"},
    "rate_limited": {"waiting_reason": "rate_limited", "next_attempt_at": LATER},
    "paused": {"own_key": True},
    "stuck": {"running": True, "lease_expires_at": EARLIER},
    "failed": {"failed": True},
    "acknowledged": {"failed": True, "acknowledged_at": EARLIER},
    "cancelled": {"cancelled": True},
    "completed": {"completed": True},
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_counted_listed_and_named_alike(operator: Client, state: str) -> None:
    owner = ProviderPauseFactory(own_key_owner=UserFactory()).own_key_owner
    rows = {name: OperationFactory(owner=owner, **values) for name, values in STATES.items()}

    page = operator.get(CHANGELIST, {"state": state})

    assert {chip.state: chip.count for chip in page.context["chips"]} == dict.fromkeys(STATES, 1)
    (row,) = page.context["cl"].result_list
    assert row.pk == rows[state].pk
    assert f'op-state op-{state}"' in page.content.decode()


def test_chip_of_due_work_that_nobody_takes_says_stuck(operator: Client) -> None:
    OperationFactory(queued_at=EARLIER)

    (row,) = operator.get(CHANGELIST, {"state": "stuck"}).context["cl"].result_list

    assert row.status == Operation.Status.PENDING


def test_cell_of_the_heat_map_leads_to_exactly_its_rows(operator: Client) -> None:
    minutes = timedelta(minutes=1)
    make_failed("SERVER_ERROR", 3, ago=20 * minutes, spread=minutes)
    make_failed("SERVER_ERROR", 2, ago=180 * minutes, spread=minutes)
    make_failed("TIMEOUT", 4, ago=20 * minutes, spread=minutes)
    page = operator.get(CHANGELIST)

    cells = {
        (row.category, cell.window): cell.count
        for row in page.context["heat_rows"]
        for cell in row.cells
    }
    link = "?category=server_error&amp;ended=1h&amp;state=failed"

    assert [cells["server_error", window] for window in ("15m", "1h", "24h", "7d")] == [0, 3, 5, 5]
    assert link in page.content.decode()
    listed = operator.get(CHANGELIST + link.replace("&amp;", "&"))
    assert listed.context["cl"].result_count == 3


def test_facets_count_what_the_other_filters_leave(operator: Client) -> None:
    OperationFactory.create_batch(2, failed=True, kind="feedback_analysis")
    OperationFactory(failed=True, error_code="TIMEOUT")

    text = operator.get(CHANGELIST, {"kind": "feedback_analysis"}).content.decode()

    assert "server_error (2)" in text
    assert "network (1)" not in text


@pytest.mark.parametrize(
    "term",
    ["{pk}", "{session}", "mara", "req_findme", "invalid_api_key", "connection reset by peer"],
)
def test_search_finds_one_operation_by_whatever_is_known(operator: Client, term: str) -> None:
    wanted = OperationFactory(
        failed=True, error_code="INVALID_API_KEY", owner=UserFactory(username="mara")
    )
    AttemptFactory(
        operation=wanted, provider_request_id="req_findme", detail="Connection reset by peer"
    )
    OperationFactory(failed=True)

    page = operator.get(CHANGELIST, {"q": term.format(pk=wanted.pk, session=wanted.session_id)})

    assert [row.pk for row in page.context["cl"].result_list] == [wanted.pk]


def test_search_knows_request_ids_that_are_uuids(operator: Client) -> None:
    request_id = "5f0c1c39-8b0e-4f3a-9d5e-6f9d3c1f2a77"  # as Azure makes them
    attempt = AttemptFactory(provider_request_id=request_id)
    OperationFactory(failed=True)

    page = operator.get(CHANGELIST, {"q": request_id})

    assert [row.pk for row in page.context["cl"].result_list] == [attempt.operation_id]


def test_long_error_text_is_kept_and_found(operator: Client) -> None:
    noise = random.Random(1).randbytes(4000).hex()  # no compression makes an index entry of it
    attempt = AttemptFactory(detail=f"{noise} at the End")
    AttemptFactory(detail=noise)

    page = operator.get(CHANGELIST, {"q": "at the end"})

    assert [row.pk for row in page.context["cl"].result_list] == [attempt.operation_id]


def test_search_finds_a_text_among_thousands(operator: Client) -> None:
    operation = OperationFactory(failed=True)
    Attempt.objects.bulk_create(
        AttemptFactory.build(operation=operation, number=number, detail=f"at questions.{number}")
        for number in range(1, MOST_TEXTS + 2)
    )
    wanted = AttemptFactory(detail="at questions.99999")

    page = operator.get(CHANGELIST, {"q": "QUESTIONS.99999"})

    assert [row.pk for row in page.context["cl"].result_list] == [wanted.operation_id]


def test_waits_are_drawn_to_scale(operator: Client) -> None:
    (operation,) = make_failed("SERVER_ERROR", 1, ago=timedelta(0), spread=timedelta(0))

    page = operator.get(f"{CHANGELIST}{operation.pk}/change/")

    (strip,) = page.context["strips"]
    waits = [span.width for span in strip.spans if span.css == "wait"]
    calls = [span for span in strip.spans if span.css.startswith("call")]
    assert len(calls) == 4
    assert waits[1] / waits[0] == pytest.approx(2, rel=0.11)
    assert waits[2] / waits[0] == pytest.approx(4, rel=0.11)


def test_technical_text_of_a_provider_is_never_markup(operator: Client) -> None:
    operation = OperationFactory(failed=True)
    AttemptFactory(operation=operation, detail="<script>alert(1)</script>")

    text = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()

    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_pages_need_no_inline_script_or_style(operator: Client) -> None:
    (operation,) = make_failed("SERVER_ERROR", 1, ago=timedelta(0), spread=timedelta(0))
    ProviderPauseFactory()
    drafted = operator.post(f"{CHANGELIST}bulk/", {"verb": "retry", "query": "state=failed"})

    for path in (CHANGELIST, f"{CHANGELIST}{operation.pk}/change/", drafted["Location"]):
        text = operator.get(path).content.decode()
        assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", text), path


def test_retry_with_another_model_is_for_one_run(operator: Client) -> None:
    operation = OperationFactory(failed=True)

    operator.post(f"{CHANGELIST}{operation.pk}/retry/", {"model": "gpt-6-sol"})

    operation.refresh_from_db()
    assert operation.parameters == {"model": "gpt-6-sol"}


def test_acknowledged_failure_leaves_the_list_of_what_is_to_do(operator: Client) -> None:
    operation = OperationFactory(failed=True)

    operator.post(f"{CHANGELIST}{operation.pk}/acknowledge/", {"note": "known outage"})

    assert operator.get(CHANGELIST, {"state": "failed"}).context["cl"].result_count == 0
    page = operator.get(f"{CHANGELIST}{operation.pk}/change/").content.decode()
    assert "known outage" in page


def test_probe_sends_a_call_of_its_own(operator: Client) -> None:
    pause = ProviderPauseFactory()
    waiting = OperationFactory()

    operator.post(f"/admin/operations/providerpause/{pause.pk}/probe/")

    probe = Operation.objects.exclude(pk=waiting.pk).get()
    assert (probe.kind, probe.subject_id, probe.is_probe) == ("provider_probe", str(pause.pk), True)
    assert not Operation.objects.get(pk=waiting.pk).is_probe
    assert pauses.paused_credentials() == {pause.credential}


def test_resume_is_done_from_the_header(operator: Client) -> None:
    pause = ProviderPauseFactory()
    assert f"/providerpause/{pause.pk}/resume/" in operator.get(CHANGELIST).content.decode()

    operator.post(f"/admin/operations/providerpause/{pause.pk}/resume/")

    assert pauses.paused_credentials() == set()


VERBS = [
    f"{CHANGELIST}bulk/",
    f"{CHANGELIST}{{pk}}/retry/",
    f"{CHANGELIST}{{pk}}/cancel/",
    f"{CHANGELIST}{{pk}}/acknowledge/",
    "/admin/operations/providerpause/{pause}/resume/",
    "/admin/operations/providerpause/{pause}/probe/",
    "/admin/operations/bulkaction/{action}/start/",
    "/admin/operations/bulkaction/{action}/stop/",
]


@pytest.mark.parametrize("path", VERBS)
def test_verb_is_never_a_get(operator: Client, path: str) -> None:
    operation = OperationFactory(failed=True)

    assert operator.get(path.format(pk=operation.pk, pause=1, action=1)).status_code == 405


@pytest.mark.parametrize("path", VERBS)
def test_read_only_operator_sees_all_and_changes_nothing(path: str) -> None:
    operation = OperationFactory(failed=True)
    pause = ProviderPauseFactory()
    action = bulk.draft(verb="retry", operations=Operation.objects.all(), actor=None)
    client = Client()
    client.force_login(read_only_operator())

    assert client.get(CHANGELIST).status_code == 200
    assert client.get(f"{CHANGELIST}{operation.pk}/change/").status_code == 200
    data = {"verb": "retry", "query": "state=failed"}
    path = path.format(pk=operation.pk, pause=pause.pk, action=action.pk)
    assert client.post(path, data).status_code == 403

    operation.refresh_from_db()
    assert operation.status == Operation.Status.FAILED
    assert pauses.paused_credentials() == {pause.credential}


def test_read_only_operator_is_offered_no_verb() -> None:
    operation = OperationFactory(failed=True)
    ProviderPauseFactory()
    client = Client()
    client.force_login(read_only_operator())

    for path in (f"{CHANGELIST}?state=failed", f"{CHANGELIST}{operation.pk}/change/"):
        text = client.get(path).content.decode()
        assert "/retry/" not in text
        assert "/resume/" not in text
        assert 'name="verb"' not in text


def read_only_operator() -> User:
    user: User = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name="Operators (read only)"))
    return user


def test_read_only_operators_see_the_limits_too() -> None:
    client = Client()
    client.force_login(read_only_operator())

    assert client.get("/admin/operations/limit/").status_code == 200


def test_verb_without_csrf_token_is_refused() -> None:
    operation = OperationFactory(failed=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org", "x"))

    assert client.post(f"{CHANGELIST}{operation.pk}/retry/").status_code == 403


def test_paused_credential_is_shown_and_can_be_resumed(operator: Client) -> None:
    pause = ProviderPauseFactory()
    url = "/admin/operations/providerpause/"
    assert pause.credential in operator.get(url).content.decode()

    operator.post(url, {"action": "resume_selected", "_selected_action": [pause.pk]})

    assert pauses.paused_credentials() == set()
    assert ProviderPause.objects.get().resumed_by.get_username() == "ops"


def test_workers_are_listed(operator: Client) -> None:
    WorkerHeartbeatFactory(hostname="worker-7.example.org")

    page = operator.get("/admin/operations/workerheartbeat/").content.decode()

    assert "worker-7.example.org" in page


def test_pages_of_django_q_are_not_registered() -> None:
    registered = {model._meta.app_label for model in admin.site._registry}

    assert "django_q" not in registered
    assert "operations" in registered


def test_restarts_are_counted_with_their_reasons(operator: Client) -> None:
    WorkerRestart.objects.create(supervisor="s", reason="stuck")
    WorkerRestart.objects.create(supervisor="s", reason="exited", exit_code=-9)

    text = operator.get(CHANGELIST).content.decode()

    assert "1 exited, 1 stuck" in text
    assert "exit code -9" in text
