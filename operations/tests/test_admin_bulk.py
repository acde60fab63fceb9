"""Bulk actions through the admin: the filter is the choice, the confirmation, report and CSV."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client

from operations.admin.export import BATCH, CUT, safe_cell
from operations.console import bulk
from operations.models import BulkAction, BulkItem, Operation
from operations.tests.factories import OperationFactory

pytestmark = pytest.mark.django_db

CHANGELIST = "/admin/operations/operation/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org", "x"))
    return client


def drafted(client: Client, verb: str, query: str) -> str:
    """The address of the confirmation page."""
    response = client.post(f"{CHANGELIST}bulk/", {"verb": verb, "query": query})
    assert response.status_code == 302, response.content
    return str(response["Location"])


def test_filter_is_the_choice_on_every_page_of_it(operator: Client) -> None:
    OperationFactory.create_batch(60, failed=True)  # more than a page
    other = OperationFactory(failed=True, error_code="TIMEOUT")

    page = operator.get(drafted(operator, "retry", "category=server_error&state=failed"))

    assert page.context["dry_run"].eligible == 60
    assert not BulkItem.objects.filter(operation_id=other.pk).exists()


def test_selection_across_pages_is_drafted_whole(operator: Client) -> None:
    first, *_ = OperationFactory.create_batch(60, failed=True)
    data = {"action": "retry_selected", "_selected_action": [first.pk], "select_across": "1"}

    response = operator.post(f"{CHANGELIST}?state=failed", data)

    assert operator.get(response["Location"]).context["dry_run"].total == 60


def test_search_is_part_of_the_choice(operator: Client) -> None:
    wanted = OperationFactory(failed=True)
    OperationFactory(failed=True)

    drafted(operator, "retry", f"q={wanted.pk}")

    assert BulkItem.objects.get().operation_id == wanted.pk


@pytest.mark.parametrize("query", ["state=paused", "q=of+nobody"])
def test_choice_of_nothing_is_an_empty_one(operator: Client, query: str) -> None:
    """The last one may have gone on its way between the list and the click."""
    OperationFactory(failed=True)

    page = operator.get(drafted(operator, "cancel", query))

    assert page.context["dry_run"].total == 0


def test_progress_renews_itself_until_the_end(operator: Client) -> None:
    OperationFactory.create_batch(3, failed=True)
    confirm = drafted(operator, "retry", "state=failed")
    assert "Refresh" not in operator.get(confirm).headers

    operator.post(confirm.replace("/change/", "/start/"))
    under_way = operator.get(confirm)
    bulk.run_due()
    ended = operator.get(confirm)

    assert under_way.headers["Refresh"] == "3"
    assert '<progress max="3" value="0"' in under_way.content.decode()
    assert "Refresh" not in ended.headers
    assert "3 retried" in ended.content.decode()


def test_report_leads_back_to_the_list_with_its_filters(operator: Client) -> None:
    OperationFactory(failed=True)
    query = "category=server_error&state=failed"
    confirm = drafted(operator, "acknowledge", query)

    operator.post(confirm.replace("/change/", "/start/"), {"note": "outage"})

    assert f"{CHANGELIST}?{query.replace('&', '&amp;')}" in operator.get(confirm).content.decode()


def test_csv_has_a_line_for_each_item(operator: Client) -> None:
    operations = OperationFactory.create_batch(2, failed=True)
    OperationFactory(completed=True)
    confirm = drafted(operator, "retry", "state=all")
    operator.post(confirm.replace("/change/", "/start/"))
    bulk.run_due()

    response: Any = operator.get(confirm.replace("/change/", "/report.csv"))
    rows = list(csv.DictReader(StringIO(response.getvalue().decode())))

    assert {row["operation"] for row in rows} >= {str(each.pk) for each in operations}
    assert [row["outcome"] for row in rows].count("changed") == 2
    assert [row["reason"] for row in rows if row["reason"]] == ["NOT_RETRYABLE"]


def exported(operator: Client, *, items: int) -> list[str]:
    action = BulkAction.objects.create(verb="retry", state=BulkAction.State.DONE)
    BulkItem.objects.bulk_create(
        [BulkItem(action=action, operation_id=uuid4()) for _ in range(items)]
    )
    response: Any = operator.get(f"/admin/operations/bulkaction/{action.pk}/report.csv")
    assert response.status_code == 200
    lines: list[str] = response.getvalue().decode().splitlines()
    return lines


def test_csv_of_several_batches_has_all_items_once(operator: Client) -> None:
    header, *rows = exported(operator, items=2 * BATCH + 1)

    assert header == "operation,outcome,reason,done_at"
    assert len(rows) == len(set(rows)) == 2 * BATCH + 1


@pytest.mark.parametrize("failing", [1, 2], ids=["at the first batch", "in the middle"])
def test_csv_that_cannot_be_finished_says_so_in_its_last_line(
    failing: int, operator: Client
) -> None:
    """The status was sent before: 200."""
    batches = iter(range(1, 10))

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith('SELECT "operations_bulkitem"') and next(batches) == failing:
            raise OperationalError("the connection is gone")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        lines = exported(operator, items=BATCH + 1)

    assert len(lines) == 2 + (failing - 1) * BATCH
    assert lines[-1] == CUT


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_cell_never_begins_like_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_stop_keeps_what_was_done(operator: Client) -> None:
    OperationFactory.create_batch(2, failed=True)
    confirm = drafted(operator, "retry", "state=failed")
    operator.post(confirm.replace("/change/", "/start/"), {"spread_minutes": "10"})

    operator.post(confirm.replace("/change/", "/stop/"))

    assert BulkAction.objects.get().state == BulkAction.State.STOPPED
    assert "left as they were" in operator.get(confirm).content.decode()


def test_nothing_happens_before_it_is_confirmed(operator: Client) -> None:
    OperationFactory(failed=True)
    drafted(operator, "retry", "state=failed")

    bulk.run_due()

    assert Operation.objects.get().status == Operation.Status.FAILED


def test_unknown_verb_is_refused(operator: Client) -> None:
    assert operator.post(f"{CHANGELIST}bulk/", {"verb": "delete"}).status_code == 400


def test_filter_that_makes_no_sense_is_refused(operator: Client) -> None:
    """Not taken for no filter: that would be everything."""
    data = {"verb": "cancel", "query": "session_id__exact=no-id"}

    assert operator.post(f"{CHANGELIST}bulk/", data).status_code == 400
    assert not BulkAction.objects.exists()
