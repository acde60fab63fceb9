"""What a month may cost: who is stopped, what is kept, and that nothing spent is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from operations import budgets, metrics, spending
from operations.console import bulk, conditions
from operations.engine import ledger
from operations.errors import Usage
from operations.models import BulkAction, Door, MetricDelta, Operation, Spending
from operations.refusals import BudgetReached, NotRetryable, UserBudgetReached
from operations.services import cancel_owner_operations, retry_operation
from operations.services.own_keys import save_own_key
from operations.tests.factories import AttemptFactory, OperationFactory, UserFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
MODEL = "gpt-6-luna"


def spend(
    usd: str | None, *, owner: User | None = None, tokens: int = 1000, **values: object
) -> None:
    """As the end of a call notes it."""
    cost = None if usd is None else Decimal(usd)
    usage = Usage(input_tokens=tokens, output_tokens=0, cost_usd=cost, model=MODEL)
    operation = OperationFactory.build(owner=owner, **values)
    metrics.count(metrics.of_bill(operation, usage, at=timezone.now()))
    budgets.forget_looks()


def spent(person: int = Spending.ALL) -> Decimal:
    return spending.spent_in(spending.month_of(timezone.now())).get(person, spending.Spent()).usd


def test_what_a_call_cost_is_counted_once_before_and_after_the_fold(
    submit: Submit, provider: FaultServer, drain: Callable[[], None], settings: Settings
) -> None:
    owner = UserFactory()
    settings.OPENAI_MODEL = MODEL
    operation = submit(owner=owner)

    drain()
    operation.refresh_from_db()
    notes = list(MetricDelta.objects.filter(name=spending.NOTE).values_list("count", flat=True))
    before = spending.spent_in(spending.month_of(timezone.now()))
    metrics.fold()

    assert notes == [operation.input_tokens + operation.output_tokens]
    assert before == spending.spent_in(spending.month_of(timezone.now()))
    assert before[owner.pk] == before[Spending.ALL]
    assert not MetricDelta.objects.exists()


def test_neither_retention_nor_the_end_of_an_account_makes_a_month_cheaper() -> None:
    owner = UserFactory()
    spend("0.25", owner=owner)
    metrics.fold()

    cancel_owner_operations(owner=owner, door=Door.PAGE)
    Operation.objects.all().delete()

    assert spent() == Decimal("0.25")
    assert spent(owner.pk) == 0


def test_next_month_begins_at_nothing(settings: Settings, submit: Submit) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    spend("1.00")
    with pytest.raises(BudgetReached):
        submit()

    with time_machine.travel(timezone.now() + timedelta(days=32), tick=True):
        budgets.forget_looks()
        assert spent() == 0


def test_late_bill_of_a_lost_worker_is_counted_too() -> None:
    operation = OperationFactory(running=True)
    AttemptFactory(operation=operation, fence=operation.fence, outcome="lost")
    late = Usage(input_tokens=5, output_tokens=5, cost_usd=Decimal("0.5"), model=MODEL)

    ledger.mark_fenced(operation, fence=operation.fence, at=timezone.now(), usage=late)
    ledger.mark_fenced(operation, fence=operation.fence, at=timezone.now(), usage=late)

    assert spent() == Decimal("0.5"), "counted once, however often it is told"


def test_below_the_budget_nobody_is_stopped(settings: Settings, submit: Submit) -> None:
    settings.BUDGET_USD_PER_MONTH = settings.BUDGET_USD_PER_USER_MONTH = 1.0
    owner = UserFactory()
    spend("0.999999", owner=owner)

    assert submit(owner=owner).status == "pending"


def test_budget_of_the_installation_stops_everybody(settings: Settings, submit: Submit) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    spend("0.6", owner=UserFactory())
    spend("0.4", owner=UserFactory())

    with pytest.raises(BudgetReached) as refusal:
        submit(owner=UserFactory())

    assert (refusal.value.code, refusal.value.status_code) == ("BUDGET_REACHED", 402)
    assert not Operation.objects.exists()


def test_budget_of_a_person_stops_that_person_alone(settings: Settings, submit: Submit) -> None:
    settings.BUDGET_USD_PER_USER_MONTH = 1.0
    dear, cheap = UserFactory(), UserFactory()
    spend("1.0", owner=dear)

    with pytest.raises(UserBudgetReached):
        submit(owner=dear)
    assert submit(owner=cheap).status == "pending"


def test_own_keys_are_neither_counted_nor_stopped(settings: Settings, submit: Submit) -> None:
    settings.BUDGET_USD_PER_MONTH = settings.BUDGET_USD_PER_USER_MONTH = 1.0
    owner = UserFactory()
    save_own_key(person=owner, key="sk-proj-their-own-key-for-tests")

    spend("5.0", owner=owner, own_key=True)
    assert spent() == 0
    spend("5.0", owner=UserFactory())

    assert submit(owner=owner).status == "pending"


def test_simulated_calls_cost_nothing_and_are_no_row() -> None:
    spend("0")

    assert not MetricDelta.objects.exists()


def test_unknown_price_is_counted_in_tokens_and_stops_nobody(
    settings: Settings, submit: Submit
) -> None:
    settings.BUDGET_USD_PER_MONTH = 0.01
    spend(None, tokens=7_000_000)
    metrics.fold()

    assert submit().status == "pending"
    month = budgets.overview().all
    assert (month.spent.tokens, month.spent.unpriced_tokens) == (7_000_000, 7_000_000)
    assert month.spent.usd == 0


def test_what_must_be_kept_is_written_as_failed_and_a_retry_is_refused_until_there_is_money(
    settings: Settings, submit: Submit
) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    owner = UserFactory()
    spend("1.0")

    operation = submit(owner=owner, keep_what_it_is_about=True)

    assert (operation.status, operation.error_code) == ("failed", "BUDGET_REACHED")
    assert operation.attempts == 0
    for actor in (owner, UserFactory(is_staff=True), None):
        with pytest.raises(BudgetReached):
            retry_operation(operation_id=operation.pk, actor=actor, door=Door.ADMIN)
        operation.refresh_from_db()
        assert operation.status == "failed"
    settings.BUDGET_USD_PER_MONTH = 2.0
    budgets.forget_looks()
    assert retry_operation(operation_id=operation.pk, actor=owner, door="page").status == "pending"


def test_retry_of_what_cannot_be_retried_says_that_first(settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    spend("1.0")

    with pytest.raises(NotRetryable):
        retry_operation(operation_id=OperationFactory(completed=True).pk, door="api")


def test_many_at_once_are_skipped_and_say_why(settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    failed = OperationFactory(failed=True, error_code="SERVER_ERROR")
    spend("1.0")
    action = bulk.draft(
        verb=BulkAction.Verb.RETRY, operations=Operation.objects.filter(pk=failed.pk), actor=None
    )
    bulk.start(action)

    bulk.run_due()

    assert list(action.items.values_list("outcome", "reason")) == [("skipped", "BUDGET_REACHED")]


def test_look_costs_no_statement_without_a_budget_and_one_in_seconds_with_one(
    settings: Settings,
) -> None:
    owner = UserFactory()
    with CaptureQueriesContext(connection) as without:
        budgets.reached(owner.pk, own_key=False)
    settings.BUDGET_USD_PER_MONTH = settings.BUDGET_USD_PER_USER_MONTH = 1.0
    with CaptureQueriesContext(connection) as first:
        budgets.reached(owner.pk, own_key=False)
    with CaptureQueriesContext(connection) as again:
        budgets.reached(owner.pk, own_key=False)

    looks = [query for query in first if "operations_spending" in query["sql"]]
    assert (len(without), len(looks), len(again)) == (0, 1, 0)


def test_overview_names_who_is_stopped_the_dearest_first(settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH, settings.BUDGET_USD_PER_USER_MONTH = 10.0, 1.0
    dear, dearest, cheap = UserFactory(), UserFactory(), UserFactory()
    for owner, usd in ((dear, "1.5"), (dearest, "2.5"), (cheap, "0.1")):
        spend(usd, owner=owner)
    metrics.fold()

    overview = budgets.overview()

    assert overview.stopped == (dearest.pk, dear.pk)
    assert overview.all.spent.usd == Decimal("4.1")
    assert not overview.all.is_reached


def test_operators_are_told_while_the_month_is_used_up_and_not_before(settings: Settings) -> None:
    settings.BUDGET_USD_PER_MONTH = 1.0
    told = []
    for usd in ("0.9", "0.1"):
        spend(usd)
        told.append([each.text for each in conditions.seen() if each.name == conditions.BUDGET])

    assert told == [[], ["the month's budget of 1 USD is used up"]]


def test_budget_of_a_person_alarms_nobody(settings: Settings) -> None:
    settings.BUDGET_USD_PER_USER_MONTH = 1.0
    spend("5.0", owner=UserFactory())

    assert conditions.BUDGET not in {each.name for each in conditions.seen()}


@pytest.mark.parametrize("folded_between", [False, True], ids=["notes", "folded"])
def test_months_are_kept_apart(folded_between: bool) -> None:
    spend("0.25")
    if folded_between:
        metrics.fold()
    with time_machine.travel(timezone.now() + timedelta(days=32), tick=True):
        spend("0.50")
        metrics.fold()
        assert spent() == Decimal("0.50")

    assert spent() == Decimal("0.25")


def test_upgrade_takes_the_present_month_over() -> None:
    """The migration reads the ledger with the models of its own time: here they are the same."""
    owner = UserFactory()
    now = timezone.now()
    for cost, values in (
        ("0.5", {"owner": owner}),
        (None, {"owner": owner}),
        ("9.0", {"owner": owner, "own_key": True}),
        ("0.25", {"owner": None}),
    ):
        AttemptFactory(
            operation=OperationFactory(completed=True, **values),
            input_tokens=10,
            output_tokens=5,
            cost_usd=cost,
            finished_at=now,
        )

    import_module("operations.migrations.0019_spending").take_over_month(apps, None)

    rows = Spending.objects.values_list("person", "tokens", "unpriced_tokens", "micro_usd")
    assert set(rows) == {(Spending.ALL, 45, 15, 750_000), (owner.pk, 30, 15, 500_000)}
