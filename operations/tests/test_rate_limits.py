"""A rate limit of the provider is learned and kept: few calls are refused, and all work is done."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from operations import queries, services
from operations.console import bulk
from operations.console.health import health
from operations.credentials import installation_label
from operations.database.states import with_state
from operations.engine.claims import claim_batch
from operations.engine.governor import Governor, Pace
from operations.engine.rates import Exchange
from operations.errors import RateLimit, Usage, error_from_code
from operations.kinds import ProviderReply
from operations.models import Operation, ProviderRate
from operations.openai_service.retry_after import rate_limits_of
from operations.tests.factories import OperationFactory, ProviderRateFactory, UserFactory
from operations.tests.fault_server import FaultServer
from operations.tests.worker import WorkerProcess, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]

OPERATIONS = 300
CALLS, SECONDS = 60, 6
MOST_REFUSED = 0.05


def statuses() -> Counter[str]:
    return Counter(Operation.objects.values_list("status", flat=True))


def refused_share(provider: FaultServer) -> float:
    """Of all calls; above zero, or the limit was never met."""
    calls = [each["case"] for each in provider.requests()]
    share = calls.count("limited") / len(calls)
    assert share > 0
    return share


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_few_calls_are_refused_by_a_limit_of_which_nobody_knew(
    submit: Submit, provider: FaultServer, drain: Callable[[], None], settings: Settings
) -> None:
    settings.OPERATIONS_DEFER_RATE_LIMITED = True
    settings.OPERATIONS_LEASE_SECONDS = 30
    provider.limit = (CALLS, SECONDS)
    for _ in range(OPERATIONS):
        submit()

    while statuses()["pending"]:
        drain()

    assert statuses() == {"completed": OPERATIONS}
    assert refused_share(provider) <= MOST_REFUSED


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_workers_share_the_limit(submit: Submit, provider: FaultServer) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one worker works on SQLite: test_on_postgresql runs this one")
    provider.limit = (CALLS, SECONDS)
    for _ in range(OPERATIONS):
        submit()
    environment = {"OPERATIONS_WORKERS": "2", "OPERATIONS_DEFER_RATE_LIMITED": "true"}
    worker = WorkerProcess(provider, **environment, OPERATIONS_LEASE_SECONDS="30")
    try:
        worker.start(drains=2)
        wait_until(lambda: statuses() == {"completed": OPERATIONS}, seconds=300)
    finally:
        worker.kill_everything()

    claimed_by = set(Operation.objects.values_list("worker", flat=True))
    assert len(claimed_by) == 2
    assert refused_share(provider) <= MOST_REFUSED


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def governed(pace: Pace, clock: Clock) -> Governor:
    return Governor(clock=clock, paces={None: pace})


def answer(governor: Governor, operation: Operation, *rate_limits: RateLimit) -> None:
    reply = ProviderReply(
        {}, "m", Usage(1, 1, None, "m"), "", simulated=False, rate_limits=rate_limits
    )
    governor.answered(operation, governor.clock(), reply)
    governor.ended(operation)


def refuse(governor: Governor, operation: Operation, wait: float | None) -> None:
    error = error_from_code("RATE_LIMIT_EXCEEDED", http_status=429, retry_after=wait)
    governor.answered(operation, governor.clock(), error)
    governor.ended(operation)


class Bucket:
    """A provider's: so many calls a minute, refilled all the time, told with each answer."""

    def __init__(self, governor: Governor, a_minute: int) -> None:
        self.governor, self.limit = governor, a_minute
        self.level, self.at = float(a_minute), governor.clock()

    def call(self, operation: Operation) -> bool:
        now = self.governor.clock()
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60)
        self.at = now
        if self.level < 1:
            refuse(self.governor, operation, (1 - self.level) * 60 / self.limit)
            return False
        self.level -= 1
        full_in = (self.limit - self.level) * 60 / self.limit
        told = RateLimit("requests", self.limit, int(self.level), full_in)
        answer(self.governor, operation, told)
        return True


def play(governor: Governor, call: Callable[[Operation], bool], seconds: int) -> Counter[bool]:
    """As a drain with more work than it can ever do, asked twenty times a second."""
    clock = governor.clock
    assert isinstance(clock, Clock)
    operation = Operation(credential="https://api.example.org/v1#1")
    calls: Counter[bool] = Counter()
    for _ in range(20 * seconds):
        for one in governor.admit([operation] * 100):
            governor.started(one, is_simulated=False)
            calls[call(one)] += 1
        clock.now += 0.05
    return calls


def test_bucket_that_tells_what_is_left_is_never_emptied() -> None:
    governor = Governor(clock=Clock())

    calls = play(governor, Bucket(governor, 60).call, 300)

    assert calls[False] == 0
    assert 330 <= calls[True] <= 360, "a full bucket, then one a second"


def test_key_that_tells_of_no_limit_has_none() -> None:
    governor = Governor(clock=Clock())

    def answered(one: Operation) -> bool:
        answer(governor, one)
        return True

    calls = play(governor, answered, 9)

    assert calls[True] > 1000
    governor.withheld = False
    assert len(governor.admit([Operation()] * 1000)) == 1000
    assert not governor.withheld
    assert not governor.paced()


@pytest.mark.parametrize("wait", [None, 6.0], ids=["says no time", "says six seconds"])
def test_refusal_holds_and_then_slows_down(wait: float | None) -> None:
    clock = Clock()
    governor = Governor(clock=clock)
    one = Operation(credential="https://api.example.org/v1#1")
    for _ in range(30):
        governor.started(one, is_simulated=False)
        answer(governor, one)
    governor.started(one, is_simulated=False)
    clock.now += 0.001
    refuse(governor, one, wait)

    held = wait or 2.0
    clock.now += held - 0.01
    assert governor.admit([one]) == []
    assert governor.withheld
    rate = governor.paces[None].learned
    assert rate == pytest.approx(0.9 * 30 / held, rel=0.01)

    clock.now += 0.01 + 1.1 / rate
    assert len(governor.admit([one] * 100)) <= 2


def test_refusals_now_and_then_do_not_bring_everything_to_a_stop() -> None:
    """One call in twenty, at any rate: no limit, whatever it looks like."""
    governor, calls = Governor(clock=Clock()), itertools.count(1)

    def answered(one: Operation) -> bool:
        if next(calls) % 20 == 0:
            refuse(governor, one, None)
            return False
        answer(governor, one)
        return True

    ends = play(governor, answered, seconds=1800)

    assert ends[True] / 1800 > 0.3


def test_what_is_not_waited_for_is_not_held_back() -> None:
    clock = Clock()
    governor = Governor(clock=clock, is_on=False)
    operation = OperationFactory.build()
    governor.started(operation, is_simulated=False)
    refuse(governor, operation, 30.0)

    assert len(governor.admit([operation] * 100)) == governor.worth_reading(100) == 100
    assert not governor.paced()


def test_nobody_looks_again_and_again_while_a_hold_lasts() -> None:
    clock = Clock()
    governor = governed(Pace(""), clock)
    operation = OperationFactory.build()
    governor.started(operation, is_simulated=False)
    refuse(governor, operation, 30.0)

    assert governor.hold_ends_in() == 0, "nothing is kept back"
    assert governor.admit([operation]) == []
    assert governor.hold_ends_in() == pytest.approx(30, abs=0.1)

    clock.now += 31
    governor.admit([operation] * 50)
    assert governor.hold_ends_in() == 0, "a pace lets the next one go soon"


def test_refusals_of_what_was_under_way_slow_down_once() -> None:
    clock = Clock()
    governor = Governor(clock=clock)
    one = Operation(credential="https://api.example.org/v1#1")
    for _ in range(20):
        governor.started(one, is_simulated=False)
    for _ in range(10):
        answer(governor, one)
    began, error = clock.now, error_from_code("RATE_LIMIT_EXCEEDED", retry_after=1.0)
    learned = set()
    for _ in range(10):
        clock.now += 0.01
        governor.answered(one, began, error)
        learned.add(governor.paces[None].learned)

    assert len(learned) == 1


def test_wait_of_days_is_tried_again_after_a_minute() -> None:
    clock = Clock()
    governor = Governor(clock=clock)
    one = Operation(credential="https://api.example.org/v1#1")
    governor.started(one, is_simulated=False)
    clock.now += 1
    refuse(governor, one, 86_400.0)
    clock.now += 59
    assert governor.admit([one]) == []
    clock.now += 62
    assert governor.admit([one]) == [one]


def test_limit_of_one_key_slows_nobody_else(submit: Submit, provider: FaultServer) -> None:
    """Also where more than a claim reads wait in front."""
    slow = [submit() for _ in range(130)]
    owner = UserFactory()
    services.save_own_key(person=owner, key="sk-a-key-of-their-own-1234")
    theirs = submit(owner=owner)
    clock = Clock()
    pace = Pace(installation_label(), learned=0.5)
    pace.hold(clock.now + 30, clock.now)
    governor = governed(pace, clock)

    (claim,) = claim_batch(owner=uuid4(), limit=100, governor=governor)

    assert claim.id == theirs.pk
    assert governor.withheld
    assert (
        Operation.objects.filter(pk__in=[each.pk for each in slow], status="pending").count() == 130
    )


def test_own_key_has_a_limit_of_its_own(submit: Submit, provider: FaultServer) -> None:
    owner = UserFactory()
    services.save_own_key(person=owner, key="sk-a-key-of-their-own-1234")
    for _ in range(40):
        submit(owner=owner)
    ours = submit()
    clock = Clock()
    pace = Pace("theirs", learned=0.5)
    pace.hold(clock.now + 30, clock.now)

    (claim,) = claim_batch(
        owner=uuid4(), limit=20, governor=Governor(clock=clock, paces={owner.pk: pace})
    )

    assert claim.id == ours.pk


def test_what_one_process_has_learned_the_others_keep_to(provider: FaultServer) -> None:
    here, there = (Governor(clock=Clock()) for _ in range(2))
    one = Operation(credential=installation_label())
    here.started(one, is_simulated=False)
    answer(here, one)
    here.started(one, is_simulated=False)
    refuse(here, one, 8.0)

    share(here)
    share(there)

    assert there.admit([one]) == []
    assert there.paces[None].learned == here.paces[None].learned
    rate = ProviderRate.objects.get()
    assert rate.credential == installation_label()
    assert rate.waits_until > timezone.now() + timedelta(seconds=5)


def test_rate_grows_while_nothing_is_refused(provider: FaultServer) -> None:
    here, there = (Governor(clock=Clock()) for _ in range(2))
    one = Operation(credential=installation_label())
    for _ in range(10):
        here.started(one, is_simulated=False)
        answer(here, one)
    here.started(one, is_simulated=False)
    refuse(here, one, 8.0)
    share(here)
    before = ProviderRate.objects.get().starts_per_second
    assert before

    for _ in range(400):
        answer(here, one)
        share(here)
    share(there)

    learned = there.paces[None].learned
    assert learned
    assert before * 1.05 < learned < before * 1.2


def test_nothing_is_written_where_nothing_is_learned(provider: FaultServer) -> None:
    governor = Governor(clock=Clock())
    one = Operation(credential=installation_label())
    governor.started(one, is_simulated=False)
    answer(governor, one)

    share(governor)

    assert not ProviderRate.objects.exists()


def share(governor: Governor) -> None:
    exchange = Exchange(governor)
    if told := exchange.look():
        exchange.tell(told)
    exchange.take_over()


def test_who_waits_for_a_limit_reads_so_and_nobody_is_alarmed() -> None:
    rate = ProviderRateFactory()
    waiting = OperationFactory(queued_at=timezone.now() - timedelta(minutes=10))

    found = queries.waiting(with_state(Operation.objects.all()).get(pk=waiting.pk))

    assert found is not None
    assert (found.reason, found.until) == ("rate_limited", rate.waits_until)
    now = health()
    assert (now.due.count, now.slowed.count) == (0, 1)
    assert now.starts_per_second == rate.starts_per_second


def test_bulk_retry_waits_for_a_limit_instead_of_failing_again(
    submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    provider.playing = "rate_limit_tpm"
    alone, one_of_many = submit(), submit()
    drain()
    ProviderRate.objects.all().delete()
    assert statuses() == {"failed": 2}
    action = bulk.draft(
        verb="retry", operations=Operation.objects.filter(pk=one_of_many.pk), actor=None
    )
    bulk.start(action, when="now")
    bulk.run_due()
    services.retry_operation(operation_id=alone.pk, door="page")

    drain()

    alone.refresh_from_db()
    one_of_many.refresh_from_db()
    assert (alone.status, one_of_many.status) == ("failed", "pending")
    assert one_of_many.waiting_reason == "rate_limited"


@pytest.mark.parametrize(
    ("headers", "rate_limits"),
    [
        ({}, ()),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
            },
            (RateLimit("requests", 60, 59, 1),),
        ),
        (
            {
                "anthropic-ratelimit-tokens-limit": "30000",
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "6m0s",
            },
            (RateLimit("tokens", 30000, 0, 360),),
        ),
        (
            {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "0ms"},
            (RateLimit("requests", 5, 5, 0),),
        ),
        ({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"}, ()),
        (
            {
                "x-ratelimit-limit-requests": "many",
                "x-ratelimit-remaining-requests": "nan",
                "x-ratelimit-reset-requests": "1s",
            },
            (),
        ),
    ],
    ids=["none", "OpenAI", "Anthropic", "unnamed", "no reset", "garbage"],
)
def test_rate_limits_are_read_where_all_of_them_is_said(
    headers: dict[str, str], rate_limits: tuple[RateLimit, ...]
) -> None:
    assert rate_limits_of(headers) == rate_limits
