"""Web and workers with different keys: which key is called with, and paused, the workers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from operations import pauses, queries
from operations.console import conditions, counts
from operations.console.health import health
from operations.credentials import installation_label
from operations.database.states import count_unfinished
from operations.engine import leases
from operations.models import Operation, ProviderPause
from operations.services import resume_provider, retry_operation
from operations.tests.factories import (
    OperationFactory,
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]

KEY_OF_THE_WORKERS = "sk-proj-a-key-for-tests-only"
KEYS_OF_THE_WEB = {"none": "", "same": KEY_OF_THE_WORKERS, "other": "sk-proj-another-key"}
REFUSALS = {"401": "auth_invalid_api_key", "quota": "quota_insufficient_quota"}
OLD_KEY = "https://old.example.org/v1#000000000000"


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("web_key", KEYS_OF_THE_WEB.values(), ids=KEYS_OF_THE_WEB)
def test_one_fails_the_others_wait_and_all_complete_after_the_mend(
    web_key: str,
    refusal: str,
    submit: Submit,
    provider: FaultServer,
    drain: Callable[[], None],
    settings: Settings,
) -> None:
    def submit_from_web(count: int) -> None:
        settings.OPENAI_API_KEY = web_key
        for _ in range(count):
            submit()
        settings.OPENAI_API_KEY = KEY_OF_THE_WORKERS

    def by_status() -> Counter[str]:
        return Counter(Operation.objects.values_list("status", flat=True))

    provider.playing = refusal
    submit_from_web(1)
    drain()
    for _ in range(4):
        submit_from_web(5)
        leases.sweep()
        drain()
    assert by_status() == {"failed": 1, "pending": 20}

    provider.playing = "ok"
    resume_provider(credential=installation_label())
    drain()

    assert by_status() == {"failed": 1, "completed": 20}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_of_many_in_flight_that_meet_the_refusal_one_fails(
    refusal: str, submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    provider.playing = refusal
    operations = [submit() for _ in range(20)]
    drain()

    failed = Operation.objects.get(status="failed")
    waiting = Operation.objects.filter(status="pending")
    assert waiting.count() == 19
    assert len(provider.requests()) > 10, "they were in flight, not held back"
    met = waiting.exclude(attempts=0)[0]
    assert met.attempt_ledger.get().error_code == failed.error_code
    assert queries.waiting(met).reason == "provider_paused"

    provider.playing = "ok"
    resume_provider(credential=installation_label())
    drain()

    assert Operation.objects.filter(status="completed").count() == len(operations) - 1


def test_retry_that_meets_the_refusal_again_fails_and_says_so(
    submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    provider.playing = "auth_invalid_api_key"
    operation = submit()
    drain()
    retry_operation(operation_id=operation.pk, door="api")

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.attempts) == ("failed", 2)


def test_operation_says_with_which_key_it_was_called_once_it_was(
    submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    operation = submit()
    assert operation.credential == ""

    drain()

    operation.refresh_from_db()
    assert operation.credential == installation_label() != ""
    assert operation.attempt_ledger.get().credential == operation.credential


def test_worker_with_a_good_key_takes_what_waits_behind_the_bad_key_of_another(
    submit: Submit, provider: FaultServer, drain: Callable[[], None], settings: Settings
) -> None:
    provider.playing = "auth_invalid_api_key"
    submit()
    drain()
    waiting = submit()
    provider.playing = "ok"
    settings.OPENAI_API_KEY = "sk-proj-a-good-key"

    drain()

    waiting.refresh_from_db()
    assert waiting.status == Operation.Status.COMPLETED
    assert len(pauses.paused_credentials()) == 1, "the bad key stays paused"


def test_row_of_an_older_release_waits_for_the_key_of_the_workers(
    provider: FaultServer, drain: Callable[[], None], submit: Submit
) -> None:
    operation = submit()
    Operation.objects.update(credential=OLD_KEY)
    ProviderPauseFactory(credential=OLD_KEY)

    drain()

    operation.refresh_from_db()
    assert (operation.status, operation.credential) == ("completed", installation_label())


@pytest.mark.parametrize(
    ("keys", "is_held"),
    [
        ([], True),
        (["bad"], True),
        (["bad", "good"], False),
        (["good"], False),
        ([""], True),
    ],
    ids=["no worker", "paused key", "one of two paused", "replaced key", "worker without a key"],
)
def test_pause_holds_back_while_no_worker_has_another_key(keys: list[str], is_held: bool) -> None:
    pause = ProviderPauseFactory(credential="bad")
    for key in keys:
        WorkerHeartbeatFactory(credential=key, supervisor=f"with {key}")
    WorkerHeartbeatFactory(credential="dead", expires_at=timezone.now() - timedelta(minutes=1))
    operation = OperationFactory()

    reason = "provider_paused" if is_held else "queued"
    assert queries.waiting(operation).reason == reason
    assert count_unfinished()["paused"] == int(is_held)
    assert health().paused.count == int(is_held)
    assert counts.stats()["due"] == int(not is_held)
    (seen,) = counts.paused_now()
    assert (seen.pause, seen.waiting) == (pause, int(is_held))


def test_only_who_has_the_key_probes_it(settings: Settings) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    ProviderPauseFactory(credential=OLD_KEY, probed_at=long_ago)
    OperationFactory()
    assert leases.sweep().probes == 0

    ProviderPauseFactory(credential=installation_label(), probed_at=long_ago)

    assert leases.sweep().probes == 1


def test_paused_own_key_holds_back_its_owner_alone() -> None:
    ProviderPauseFactory(credential="theirs", own_key_owner=UserFactory())
    theirs = OperationFactory(own_key=True, owner=ProviderPause.objects.get().own_key_owner)
    of_installation = OperationFactory(owner=theirs.owner)
    other = OperationFactory(own_key=True, owner=UserFactory())

    reasons = [queries.waiting(each).reason for each in (theirs, of_installation, other)]

    assert reasons == ["provider_paused", "queued", "queued"]


def test_pause_of_a_replaced_key_alarms_nobody_and_ends_by_itself() -> None:
    now = timezone.now()
    retired = ProviderPauseFactory(
        credential=OLD_KEY, paused_at=now - timedelta(days=1), probed_at=now - timedelta(hours=1)
    )
    assert {each.name for each in conditions.current()} == {"INVALID_API_KEY", "no_worker"}
    assert pauses.close_retired(at=now) == 0, "no worker lives: nobody knows which key is in use"

    WorkerHeartbeatFactory(credential="https://api.example.org/v1#111111111111")
    assert conditions.current() == []
    leases.sweep()

    retired.refresh_from_db()
    assert retired.resumed_at is not None


@pytest.mark.parametrize(
    "values",
    [
        {"credential": "https://api.example.org/v1#111111111111"},
        {"probed_at": timezone.now() - timedelta(minutes=5)},
        {"own_key_owner": "somebody"},
        {"error_code": pauses.BY_HAND},
    ],
    ids=["in use", "probed a while ago", "a person's own", "by an operator"],
)
def test_no_other_pause_ends_by_itself(values: dict[str, Any]) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    WorkerHeartbeatFactory(credential="https://api.example.org/v1#111111111111")
    if "own_key_owner" in values:
        values = {"own_key_owner": UserFactory()}
    ProviderPauseFactory(
        **{"credential": OLD_KEY, "paused_at": long_ago, "probed_at": long_ago} | values
    )

    assert pauses.close_retired(at=timezone.now()) == 0
