"""A bucket lets as many pass as it has room for, whoever asks at once, and forgets in time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from operations import limits
from operations.limits.address import client_address
from operations.limits.buckets import DatabaseStore, MemoryStore, Store
from operations.limits.rules import SIGN_IN, START, Bucket, Rule, bucket, of_name, of_person
from operations.models import Limit
from operations.refusals import TooOften
from operations.tests.factories import OperationFactory, UserFactory

THREE_A_MINUTE = Rule("sign_in", 3, 20, "three, and one more every 20 s")
FIVE = Rule("sign_in", 5, 1000, "five")


@pytest.fixture(autouse=True)
def limits_on(settings: Settings) -> None:
    settings.API_THROTTLES = True


@pytest.fixture(params=[DatabaseStore, MemoryStore], ids=["database", "memory"])
def store(request: Any, db: None) -> Store:
    built: Store = request.param()
    return built


def takes(store: Store, of: list[Bucket], now: float) -> bool:
    return store.take(of, lambda: now) is None


def taken(store: Store, times: int, now: float) -> list[bool]:
    return [takes(store, [bucket(THREE_A_MINUTE, address="here")], now) for _ in range(times)]


def test_so_many_at_once_then_one_by_one(store: Store) -> None:
    now = 1_000_000.0

    assert taken(store, 4, now) == [True, True, True, False]
    assert taken(store, 2, now + 20) == [True, False]
    assert taken(store, 4, now + 500) == [True, True, True, False]


def test_refused_tries_do_not_make_anybody_wait_longer(store: Store) -> None:
    taken(store, 50, 1_000_000.0)

    full = store.take([bucket(THREE_A_MINUTE, address="here")], lambda: 1_000_005.0)

    assert full
    assert full.wait_seconds == pytest.approx(15)


def test_what_is_given_back_can_be_taken_again(store: Store) -> None:
    of = bucket(THREE_A_MINUTE, address="here")
    taken(store, 3, 1_000_000.0)

    store.give_back([of])

    assert taken(store, 2, 1_000_000.0) == [True, False]


def test_buckets_do_not_share(store: Store) -> None:
    taken(store, 3, 1_000_000.0)

    others = [
        bucket(THREE_A_MINUTE, address="there"),
        bucket(THREE_A_MINUTE, account=of_name("here")),
    ]
    assert takes(store, others, 1_000_000.0)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_never_more_than_the_rate_allows(pauses: list[float]) -> None:
    store, now, passed = MemoryStore(), 1_000_000.0, 0
    for pause in pauses:
        now += pause
        passed += takes(store, [bucket(THREE_A_MINUTE, address="here")], now)

    assert passed <= 3 + (now - 1_000_000.0) / 20 + 1e-6


def test_memory_forgets_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.limits.buckets.MAX_REMEMBERED", 2)
    store = MemoryStore()
    of = [bucket(FIVE, address=str(number)) for number in range(3)]
    for each in of:
        takes(store, [each], 1_000_000.0)

    assert list(store._used_until) == [each.key for each in of[1:]]


def test_what_is_full_is_seen_without_a_write(
    db: None, django_assert_num_queries: Callable[..., Any]
) -> None:
    full, empty = bucket(FIVE, address="full"), bucket(FIVE, address="empty")
    for _ in range(5):
        limits.reserve(full)
    with pytest.raises(TooOften):
        limits.reserve(empty, full)

    with django_assert_num_queries(1), pytest.raises(TooOften):
        limits.reserve(empty, full)


@pytest.mark.django_db
def test_who_waited_for_others_is_not_refused_by_an_old_clock() -> None:
    store, of, moments = DatabaseStore(), bucket(FIVE, address="here"), iter([100.0, 100.2])

    def clock() -> float:
        now = next(moments)
        if now == 100.0:  # While this try waits for its turn, four that came later have theirs.
            assert [takes(DatabaseStore(), [of], 100.1) for _ in range(4)] == [True] * 4
        return now

    assert store.take([of], clock) is None


@pytest.mark.django_db
def test_a_row_that_is_pruned_meanwhile_refuses_nobody() -> None:
    store, of = DatabaseStore(), bucket(FIVE, address="here")
    Limit.objects.create(pk=of.key, rule=FIVE.name, used_until=0)

    def clock() -> float:
        Limit.objects.all().delete()
        return 100.0

    assert store.take([of], clock) is None


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_at_once_five_pass() -> None:
    passed: list[float] = []
    start = threading.Barrier(16)

    def try_once() -> None:
        start.wait()
        try:
            limits.reserve(bucket(FIVE, address="here"))
            passed.append(time.monotonic())
        except TooOften:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=try_once) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 5


@pytest.mark.django_db
def test_a_try_that_one_limit_refuses_counts_in_none() -> None:
    full, empty = bucket(FIVE, address="full"), bucket(FIVE, address="empty")
    for _ in range(5):
        limits.reserve(full)

    for _ in range(10):
        with pytest.raises(TooOften):
            limits.reserve(empty, full)

    assert not Limit.objects.filter(pk=empty.key, used_until__gt=time.time() + 5).exists()


@pytest.mark.django_db
def test_switched_off_nothing_is_counted(settings: Settings) -> None:
    settings.API_THROTTLES = False
    for _ in range(20):
        limits.reserve(bucket(FIVE, address="here"))

    assert not Limit.objects.exists()


@pytest.mark.django_db
def test_no_name_and_no_address_is_stored() -> None:
    limits.reserve(bucket(FIVE, account=of_name("mara.lindqvist"), address="203.0.113.9"))

    row = json.dumps(Limit.objects.values().get(), default=str)
    assert "mara" not in row
    assert "203.0.113" not in row


@pytest.mark.django_db
def test_operator_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    of = bucket(Rule("sign_in", 1, 1000, "one"), address="here")
    limits.reserve(of)
    for _ in range(5):
        with pytest.raises(TooOften):
            limits.reserve(of)

    messages: list[Any] = [record.msg for record in caplog.records]
    told = [message for message in messages if message["event"] == "limit.reached"]
    row = Limit.objects.get(pk=of.key)
    assert len(told) == 1
    assert told[0]["limit"] == "sign_in"
    assert (row.refusals, row.refused_at is not None) == (1, True)


@pytest.fixture
def no_table(transactional_db: None) -> Iterator[None]:
    """Any trouble of the database will do."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(Limit, "operations_limit", "operations_limit_away")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(Limit, "operations_limit_away", "operations_limit")


def test_while_the_database_fails_memory_counts(
    no_table: None, caplog: pytest.LogCaptureFixture
) -> None:
    of = bucket(FIVE, address="here")
    for _ in range(5):
        limits.reserve(of)
    with pytest.raises(TooOften):
        limits.reserve(of)

    messages: list[Any] = [record.msg for record in caplog.records]
    assert [message["event"] for message in messages] == ["limit.in_memory", "limit.reached"]


@pytest.mark.django_db
def test_a_person_is_let_try_again_under_name_and_number() -> None:
    person, other = UserFactory(username="Mara"), UserFactory(username="bob")
    for account in (of_name("mara"), of_person(person), of_name("bob")):
        for _ in range(SIGN_IN.most):
            limits.reserve(bucket(SIGN_IN, account=account, address="here"))
    assert [rule.name for rule, _ in limits.waits_of(person)] == ["sign_in", "sign_in"]

    assert limits.clear(person) == 2

    limits.reserve(bucket(SIGN_IN, account=of_name("MARA"), address="here"))
    assert limits.waits_of(person) == []
    with pytest.raises(TooOften):
        limits.reserve(bucket(SIGN_IN, account=of_name("bob"), address="here"))
    assert limits.waits_of(other)


@pytest.mark.django_db
def test_empty_buckets_are_forgotten_and_those_met_later() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        of = bucket(Rule("sign_in", 1, 10, "one"), address="met")
        limits.reserve(bucket(FIVE, address="in use"))
        limits.reserve(of)
        with pytest.raises(TooOften):
            limits.reserve(of)
        limits.reserve(bucket(Rule("sign_in", 1, 10, "one"), address="quiet"))
        clock.shift(60)
        assert limits.prune() == 1
        clock.shift(8 * 24 * 3600)
        assert limits.prune() == 2

    assert not Limit.objects.exists()


@pytest.mark.django_db
def test_starts_of_calls_are_limited_and_a_refused_one_leaves_nothing() -> None:
    person = UserFactory()
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(START.most):
            limits.reserve(bucket(START, account=of_person(person)))

        with pytest.raises(TooOften), transaction.atomic():
            OperationFactory(owner=person)
            limits.reserve(bucket(START, account=of_person(person)))

        assert [rule for rule, _ in limits.waits_of(person)] == [START]
    assert not person.operations.exists()


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "client"),
    [
        ("203.0.113.9", None, 0, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", 0, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("2001:db8::1", None, 0, "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2", None, 0, "2001:db8::/64"),
        ("::ffff:203.0.113.9", None, 0, "203.0.113.9"),
        ("unix", None, 0, "unix"),
    ],
)
def test_who_counts_as_one_client(
    remote: str, forwarded: str | None, proxies: int, client: str
) -> None:
    assert client_address(remote, forwarded, proxies) == client


def test_the_operators_page_names_every_limit_as_it_is() -> None:
    page = (settings.BASE_DIR / "docs/operating.md").read_text()

    for rule in limits.RULES.values():
        what = rule.what if rule.is_shared else f"{rule.what}, for each process"
        assert f"| {what} | {rule.most} | {rule.every_seconds:g} s |" in page


def test_nobody_waits_longer_than_a_quarter_of_an_hour() -> None:
    assert max(rule.every_seconds for rule in limits.RULES.values()) <= 15 * 60
