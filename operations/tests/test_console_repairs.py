"""What needs attention, why something waits, and what an operator does about it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from operations.console import bulk
from operations.models import BulkAction, BulkItem, Operation, ProviderPause
from operations.tests.factories import (
    OperationFactory,
    ProviderPauseFactory,
    WorkerHeartbeatFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/operations/operation/"
KEY = "https://api.example.org/v1#0123456789ab"


def listed(client: Client, query: str = "") -> set[Operation]:
    return set(client.get(LIST + query).context["cl"].queryset)


def test_list_that_is_asked_for_nothing_shows_what_needs_attention(admin_client: Client) -> None:
    failed = OperationFactory(failed=True)
    paused = OperationFactory(credential=ProviderPauseFactory().credential)
    fine = {OperationFactory(running=True), OperationFactory(completed=True)}

    assert listed(admin_client) == {failed, paused}
    assert listed(admin_client, "?o=1&p=1") == {failed, paused}
    assert listed(admin_client, "?state=all") == {failed, paused} | fine
    assert listed(admin_client, f"?session_id__exact={failed.session_id}") == {failed}


def test_equal_failures_are_one_line(admin_client: Client) -> None:
    now = timezone.now()
    for code, hours in (("SERVER_ERROR", 5), ("SERVER_ERROR", 3), ("CONTENT_FILTERED", 2)):
        OperationFactory(failed=True, error_code=code, finished_at=now - timedelta(hours=hours))

    groups = admin_client.get(LIST).context["groups"]

    assert [(each.count, each.code, each.first, each.last) for each in groups] == [
        (2, "SERVER_ERROR", "5 h ago", "3 h ago"),
        (1, "CONTENT_FILTERED", "2 h ago", "2 h ago"),
    ]
    assert [group.will_fail_again for group in groups] == [False, True]


def test_page_of_a_paused_operation_explains_links_and_offers_to_probe(
    admin_client: Client,
) -> None:
    pause = ProviderPauseFactory()
    operation, _ = (OperationFactory() for _ in range(2))  # whose key it is says the claim
    url = reverse("admin:operations_operation_change", args=(operation.pk,))

    page = admin_client.get(url).content.decode()
    assert "OPENAI_API_KEY is wrong" in page
    assert "and 1 other wait behind" in page
    assert reverse("admin:operations_providerpause_change", args=(pause.pk,)) in page

    probe = reverse("admin:operations_providerpause_probe", args=(pause.pk,))
    assert probe in page
    answer = admin_client.post(probe, {"operation": str(operation.pk)})
    assert answer["Location"] == url
    assert Operation.objects.filter(is_probe=True).count() == 1


def test_a_pause_by_hand_keeps_its_reason_and_says_it(admin_client: Client) -> None:
    WorkerHeartbeatFactory(credential=KEY)
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("pause_provider", reason="the bill is looked at", json=True, stdout=said)

    assert ended.value.code == 0
    assert json.loads(said.getvalue())["changed"] == 1
    pause = ProviderPause.objects.get()
    operation = OperationFactory(credential=pause.credential)
    url = reverse("admin:operations_operation_change", args=(operation.pk,))
    assert "the bill is looked at" in admin_client.get(url).content.decode()


def test_console_pauses_with_a_reason_alone(admin_client: Client) -> None:
    url = reverse("admin:operations_providerpause_pause")
    WorkerHeartbeatFactory(credential=KEY)

    admin_client.post(url, {"reason": " "})
    assert not ProviderPause.objects.exists()
    admin_client.post(url, {"reason": "maintenance"})

    pause = ProviderPause.objects.get()
    assert pause.reason == "maintenance"
    assert pause.paused_by is not None


def test_bulk_retry_leaves_out_what_will_fail_again(admin_client: Client) -> None:
    hopeful = OperationFactory(failed=True, error_code="SERVER_ERROR")
    hopeless = OperationFactory(failed=True, error_code="CONTENT_FILTERED")
    action = bulk.draft(verb=BulkAction.Verb.RETRY, operations=Operation.objects.all(), actor=None)
    start = reverse("admin:operations_bulkaction_start", args=(action.pk,))

    page = admin_client.post(start, {"doubtful": "leave"}, follow=True).content.decode()

    assert "no worker is alive" in page
    outcomes = dict(action.items.values_list("operation_id", "outcome"))
    assert outcomes == {
        hopeful.pk: BulkItem.Outcome.WAITING,
        hopeless.pk: BulkItem.Outcome.SKIPPED,
    }


def test_failures_are_shown_and_acknowledged_by_commands() -> None:
    operation = OperationFactory(failed=True, request_id="one-request")
    with pytest.raises(SystemExit):
        call_command("acknowledge_operations", id=[operation.pk], note="seen", stdout=StringIO())
    said = StringIO()
    call_command("show_operation", str(operation.pk), "--json", stdout=said)

    told = json.loads(said.getvalue())
    assert (told["state"], told["acknowledgement"]) == ("acknowledged", "seen")
    assert told["request_id"] == "one-request"
    assert [event["name"] for event in told["history"]] == ["operation.acknowledged"]


def test_the_ready_made_group_may_repair() -> None:
    user = User.objects.create_user("nora", is_staff=True)
    user.groups.add(Group.objects.get(name="Operators (may repair)"))

    verbs = ("retry_operation", "cancel_operation", "bulk_operation", "resume_provider")
    assert user.has_perms([f"operations.{verb}" for verb in (*verbs, "view_operation")])
    assert not user.has_perm("operations.view_content")


def test_a_refused_key_is_one_box_that_says_who_was_told(admin_client: Client) -> None:
    WorkerHeartbeatFactory(credential=KEY)
    ProviderPauseFactory(credential=KEY)
    OperationFactory(queued_at=timezone.now() - timedelta(hours=1))  # which waits, of course

    page = admin_client.get(LIST)

    assert page.context["notices"] == []
    (pause,) = page.context["pauses"]
    assert pause.told in page.content.decode()
    assert pause.told.startswith("Told nobody")
