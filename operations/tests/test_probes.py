"""A paused credential is tried by a call of its own, and what waits follows in a ramp."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from operations import pauses, services
from operations.credentials import installation_label
from operations.engine import leases
from operations.engine.claims import Claim, claim_batch
from operations.models import PROVIDER_PROBE, Operation, ProviderPause
from operations.pauses import Ramp
from operations.refusals import NothingToProbe
from operations.tests.factories import OperationFactory, ProviderPauseFactory, UserFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]
Drain = Callable[[], None]

NOW = timezone.now()
MINUTE = timedelta(minutes=1)


def statuses(**which: object) -> Counter[str]:
    return Counter(Operation.objects.filter(**which).values_list("status", flat=True))


@pytest.mark.parametrize("refusal", ["auth_invalid_api_key", "quota_insufficient_quota"])
def test_night_behind_a_refused_key_costs_no_waiting_operation(
    refusal: str, submit: Submit, provider: FaultServer, drain: Drain
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the server's clock cannot be moved")
    evening, work = timezone.now(), {"kind": "judgement"}
    provider.playing = refusal
    submit()
    drain()
    for _ in range(200):
        submit()

    for minute in range(1, 8 * 60):
        with time_machine.travel(evening + minute * MINUTE):
            if leases.sweep().made_work:
                drain()

    assert statuses(**work) == {"failed": 1, "pending": 200}
    probes = statuses(kind=PROVIDER_PROBE)
    assert set(probes) == {"failed"}
    assert 45 <= probes["failed"] <= 55, "1, 2, 4, 8 minutes, then every ten"
    assert not Operation.objects.filter(kind=PROVIDER_PROBE, acknowledged_at=None).exists()

    provider.playing = "ok"
    started = _seconds_of_the_ramp(evening + timedelta(hours=8), drain)

    assert statuses(**work) == {"failed": 1, "completed": 200}
    assert all(count <= allowed for count, allowed in started), started
    assert started[0][0] < 10, "not all at once"


def _seconds_of_the_ramp(morning: datetime, drain: Drain) -> list[tuple[int, int]]:
    """How many had completed after each second from the mend on, and how many were allowed."""
    seen, latest = [], morning
    for second in range(60):
        with time_machine.travel(morning + timedelta(minutes=10, seconds=second)):
            leases.sweep()
            drain()
            pause = ProviderPause.objects.get()
            assert pause.resumed_at is not None
            done = Operation.objects.filter(kind="judgement", status="completed").count()
            latest = max(latest, timezone.now())  # a slow machine needs more than the second
            if latest - pause.resumed_at < pauses.RAMP:
                seen.append((done, Ramp(pause.pk, pause.resumed_at).allowed(latest)))
            if done == 200:
                break
    return seen


def test_success_of_a_probe_resumes_and_its_failure_changes_nothing(
    submit: Submit, provider: FaultServer, drain: Drain
) -> None:
    pause = ProviderPauseFactory(credential=installation_label())
    waiting = submit()
    provider.playing = "auth_invalid_api_key"

    refused = services.probe_provider(credential=pause.credential, door="command")
    drain()

    refused.refresh_from_db()
    assert (refused.status, refused.error_code) == ("failed", "INVALID_API_KEY")
    assert pauses.paused_credentials() == {pause.credential}
    assert statuses(pk=waiting.pk) == {"pending": 1}

    provider.playing = "ok"
    services.probe_provider(credential=pause.credential, door="command")
    drain()
    drain()  # the first may end with the probe

    assert pauses.paused_credentials() == set()
    assert statuses(pk=waiting.pk) == {"completed": 1}


def test_odd_answer_to_a_probe_is_an_answer(provider: FaultServer, drain: Drain) -> None:
    pause = ProviderPauseFactory(credential=installation_label())
    provider.playing = "b200_json_out_of_range"

    services.probe_provider(credential=pause.credential, door="command")
    drain()

    assert pauses.paused_credentials() == set()


def test_probe_of_a_credential_that_was_resumed_meanwhile_is_cancelled(
    provider: FaultServer, drain: Drain
) -> None:
    pause = ProviderPauseFactory(credential=installation_label())
    services.probe_provider(credential=pause.credential, door="command")
    services.resume_provider(credential=pause.credential)

    drain()

    assert statuses() == {"cancelled": 1}
    assert provider.requests() == []


def test_one_probe_at_a_time() -> None:
    pause = ProviderPauseFactory(credential=installation_label(), paused_at=NOW - 60 * MINUTE)

    assert [leases.sweep().probes for _ in range(2)] == [1, 0]
    ProviderPause.objects.update(probed_at=NOW - 30 * MINUTE)
    assert leases.sweep().probes == 0, "the first one is under way"

    probe = services.probe_provider(credential=pause.credential, door="admin")
    assert [probe] == list(Operation.objects.all())


def test_credential_that_is_not_paused_is_not_probed() -> None:
    with pytest.raises(NothingToProbe):
        services.probe_provider(credential=installation_label(), door="admin")


@pytest.mark.parametrize(
    ("paused", "probed", "is_due"),
    [
        (2, 2, True),
        (0.5, 0.5, False),
        (10, 3, False),
        (10, 5, True),
        (480, 9, False),
        (480, 11, True),
    ],
    ids=["first", "too soon", "3 of 7", "5 of 5", "9 of 10", "11 of 10"],
)
def test_probes_go_at_a_rising_interval(paused: float, probed: float, is_due: bool) -> None:
    now = timezone.now()
    ProviderPauseFactory(
        credential=installation_label(),
        paused_at=now - paused * MINUTE,
        probed_at=now - probed * MINUTE,
    )

    assert leases.sweep().probes == int(is_due)


def test_own_key_is_probed_for_its_owner() -> None:
    person = UserFactory()
    ProviderPauseFactory(own_key_owner=person, paused_at=NOW - 2 * MINUTE)
    OperationFactory(owner=person, own_key=True)

    assert leases.sweep().probes == 1

    probe = Operation.objects.get(kind=PROVIDER_PROBE)
    assert (probe.own_key, probe.owner) == (True, person)


def claim(limit: int = 100) -> list[Claim]:
    with transaction.atomic():
        return claim_batch(owner=uuid.uuid4(), limit=limit)


@pytest.mark.parametrize(
    ("resumed", "let_through", "taken"),
    [(60, 0, [1, 0]), (60, 1, [0, 0]), (60, None, [5, 0]), (-9, 0, [5, 0])],
    ids=["first second", "somebody else took it", "resumed by hand", "after the ramp"],
)
def test_drains_share_the_ramp(
    resumed: int, let_through: int | None, taken: list[int], submit: Submit
) -> None:
    """Resumed in the future: the first second never ends."""
    ProviderPauseFactory(
        credential=installation_label(),
        resumed_at=timezone.now() + timedelta(seconds=resumed),
        let_through=let_through,
    )
    for _ in range(5):
        submit()

    assert [len(claim()) for _ in range(2)] == taken


def test_ramp_doubles_each_second() -> None:
    ramp = Ramp(1, NOW)

    allowed = [ramp.allowed(NOW + timedelta(seconds=after)) for after in (-1, 0, 0.9, 1, 2, 3.5)]

    assert allowed == [1, 1, 1, 3, 7, 15]


def test_ramp_of_another_key_limits_nobody(submit: Submit) -> None:
    ProviderPauseFactory(resumed_at=timezone.now() + MINUTE, let_through=0)
    for _ in range(5):
        submit()

    assert len(claim()) == 5
