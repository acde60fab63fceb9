"""What an operator holds back waits, says so, and goes on when it is resumed: everything, or a
kind."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from operations import kinds, pauses, queries, services
from operations.console import conditions, counts
from operations.console.health import health
from operations.credentials import installation_label
from operations.database.states import count_unfinished, in_state, state_of
from operations.engine import leases
from operations.engine.claims import claim_batch
from operations.models import Operation, ProviderPause
from operations.provider_probe import ProviderProbe
from operations.tests.factories import (
    ProviderPauseFactory,
    UserFactory,
    WorkerHeartbeatFactory,
)
from operations.tests.fault_server import FaultServer
from operations.tests.judgement.kind import JudgementKind

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Operation]

KIND = "judgement"
LIST = "/admin/operations/operation/"
EARLIER = timezone.now() - timedelta(minutes=2)


class Verdict(JudgementKind):
    name = "verdict"
    label = gettext_lazy("verdict")


@pytest.fixture(autouse=True)
def verdict(judgement: JudgementKind) -> Iterator[None]:
    """Another kind, which nobody holds back."""
    kinds.register(Verdict())
    yield
    kinds.unregister(Verdict.name)


def submit_verdict(**values: Any) -> Operation:
    return services.submit_operation(
        kind=Verdict.name,
        subject_type="test",
        subject_id=uuid.uuid4().hex[:8],
        door="api",
        **values,
    )


def pause(**what: Any) -> None:
    assert services.pause_provider(reason="the bill is looked at", **what)


def claimed() -> set[str]:
    with transaction.atomic():
        return {claim.operation.kind for claim in claim_batch(owner=uuid.uuid4(), limit=10)}


def run(command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(command, *arguments, "--json", stdout=said)
    return int(ended.value.code or 0), json.loads(said.getvalue())


@pytest.mark.parametrize(
    ("what", "taken"),
    [({}, set()), ({"kind": KIND}, {"verdict"}), ({"kind": "verdict"}, {KIND})],
    ids=["everything", "this kind", "another kind"],
)
def test_claim_leaves_what_an_operator_holds_back(
    what: dict[str, Any], taken: set[str], submit: Submit, provider: FaultServer
) -> None:
    submit()
    own = submit()
    Operation.objects.filter(pk=own.pk).update(own_key=True, owner=UserFactory())
    submit_verdict()
    pause(**what)

    assert claimed() == taken


def test_kind_that_is_held_back_costs_the_claim_no_statement(
    submit: Submit, provider: FaultServer
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as sent:
            claimed()
        return len(sent)

    claimed()
    submit_verdict()
    without = statements()
    pause(kind=KIND)
    submit_verdict()

    assert statements() == without


@pytest.mark.parametrize("what", [{}, {"kind": KIND}], ids=["everything", "kind"])
def test_retry_now_waits_too_and_ends_no_pause(
    what: dict[str, Any], submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    """Behind a refused key it is sent as a probe; nobody's click overrules an operator."""
    operation = submit()
    services.cancel_operation(operation_id=operation.pk, door="api")
    pause(**what)
    services.retry_operation(operation_id=operation.pk, door="api")

    drain()

    operation.refresh_from_db()
    assert (operation.status, state_of(operation)) == ("pending", "paused")
    assert ProviderPause.objects.get().resumed_at is None

    assert services.resume_provider(**what)
    drain()
    operation.refresh_from_db()
    assert operation.status == "completed"


def test_success_with_a_key_that_an_operator_paused_does_not_resume_it(
    submit: Submit, provider: FaultServer, drain: Callable[[], None]
) -> None:
    operation = submit()
    drain()
    operation.refresh_from_db()
    pause(credential=operation.credential)
    again = submit()
    services.cancel_operation(operation_id=again.pk, door="api")
    services.retry_operation(operation_id=again.pk, door="api")

    drain()

    again.refresh_from_db()
    assert again.status == "completed"
    assert pauses.paused_credentials() == {operation.credential}


@pytest.mark.parametrize("what", [{}, {"kind": KIND}], ids=["everything", "kind"])
def test_what_is_held_back_says_so_and_is_not_due(what: dict[str, Any], submit: Submit) -> None:
    WorkerHeartbeatFactory(credential="https://api.example.org/v1#0123456789ab")
    held = submit()
    Operation.objects.update(queued_at=EARLIER)
    pause(**what)

    waiting = queries.waiting(held)
    assert waiting is not None
    assert waiting.reason == "provider_paused"
    assert "The administrator has stopped this for a while" in waiting.message
    assert count_unfinished()["paused"] == 1
    assert list(Operation.objects.filter(in_state("paused"))) == [held]
    assert (health().due.count, health().paused.count) == (0, 1)
    assert counts.stats()["due"] == 0
    assert [each.waiting for each in counts.paused_now()] == [1]
    assert [each.name for each in conditions.current()] == ["paused_work"], "nobody forgets it"


def test_other_kinds_are_due_as_ever(submit: Submit) -> None:
    submit()
    other = submit_verdict()
    pause(kind=KIND)

    waiting = queries.waiting(other)
    assert waiting is not None
    assert waiting.reason == "queued"
    assert (health().due.count, health().paused.count) == (1, 1)


def test_no_probe_is_sent_while_everything_is_held_back(provider: FaultServer) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    ProviderPauseFactory(credential=installation_label(), probed_at=long_ago)
    pause()
    assert leases.sweep().probes == 0

    services.resume_provider()
    assert leases.sweep().probes == 1


def test_commands_pause_and_resume_a_kind() -> None:
    assert run("pause_provider", "--kind", KIND, "--reason", "it costs too much")[0] == 0
    assert run("pause_provider", "--kind", KIND, "--reason", "again") == (
        1,
        {
            "matched": 1,
            "changed": 0,
            "skipped": [{"id": KIND, "reason": "is paused already"}],
        },
    )
    assert run("pause_provider", "--reason", "all of it", "--dry-run")[1]["changed"] == 1
    assert [(row.kind, row.reason) for row in ProviderPause.objects.all()] == [
        (KIND, "it costs too much")
    ]

    assert run("resume_provider", "--probe")[0] == 3, "nothing that a probe could end"
    assert run("resume_provider", "--kind", "verdict")[0] == 3
    assert run("resume_provider", "--kind", KIND)[0] == 0
    assert not ProviderPause.objects.filter(resumed_at=None).exists()


@pytest.mark.parametrize("kind", ["judgment", ProviderProbe.name])
def test_command_names_the_kinds_that_there_are(kind: str) -> None:
    with pytest.raises(CommandError, match="verdict") as refused:
        call_command("pause_provider", "--kind", kind, "--reason", "r")

    assert refused.value.returncode == 2


def test_console_pauses_a_kind_and_resumes_it(admin_client: Client, submit: Submit) -> None:
    held, url = submit(), reverse("admin:operations_providerpause_pause")
    admin_client.post(url, {"kind": "nonsense", "reason": "why not"})
    assert not ProviderPause.objects.exists()

    admin_client.post(url, {"kind": KIND, "reason": "it costs too much"})

    row = ProviderPause.objects.get()
    assert (row.kind, row.credential, row.paused_by.get_username()) == (KIND, "", "admin")
    resume = reverse("admin:operations_providerpause_resume", args=(row.pk,))
    for page in (
        LIST,
        f"{LIST}{held.pk}/change/",
        reverse("admin:operations_providerpause_changelist"),
    ):
        said = admin_client.get(page).content.decode()
        assert "it costs too much" in said, page
    assert resume in admin_client.get(f"{LIST}{held.pk}/change/").content.decode()
    (listed,) = admin_client.get(f"{LIST}?state=paused").context["cl"].result_list
    assert listed.pk == held.pk

    admin_client.post(resume)
    assert state_of(Operation.objects.get()) == "queued"
