"""The doctor: one line for each thing, the remedy where it is missing, exit 1 if anything is."""

from __future__ import annotations

import contextlib
import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from operations.capabilities import Rung
from operations.models import ProviderCapability, ProviderContact
from operations.tests.factories import ProviderPauseFactory, UserFactory, WorkerHeartbeatFactory
from operations.tests.fault_server import FaultServer

pytestmark = pytest.mark.django_db


def examine(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    out = StringIO()
    code = 0
    try:
        call_command("doctor", "--json", *arguments, stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, {finding["check"]: finding for finding in json.loads(out.getvalue())}


def test_healthy_installation_passes() -> None:
    WorkerHeartbeatFactory()

    code, findings = examine()

    assert code == 0, findings
    assert list(findings) == [
        "python", "settings", "database", "migrations", "broker", "workers", "clock", "alerts",
        "own keys", "provider",
    ]  # fmt: skip
    assert "simulated" in findings["provider"]["found"]


def test_without_a_worker_it_says_how_to_start_one() -> None:
    code, findings = examine()

    assert code == 1
    assert "operations_worker" in findings["workers"]["remedy"]


def test_unreachable_broker_is_named(settings: Settings, free_port: int) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port}/0"

    _, findings = examine()

    assert findings["broker"]["result"] == "failed"
    assert "REDIS_URL" in findings["broker"]["remedy"]


@pytest.mark.parametrize(
    ("case", "result", "said"),
    [("ok", "ok", "answers at"), ("auth_invalid_api_key", "failed", "INVALID_API_KEY")],
)
def test_key_is_tried_with_one_call(
    provider: FaultServer, settings: Settings, case: str, result: str, said: str
) -> None:
    settings.OPENAI_BASE_URL = provider.url(case)

    _, findings = examine()

    assert findings["provider"]["result"] == result, findings["provider"]
    assert said in findings["provider"]["found"]
    assert len(provider.requests()) == 1
    assert settings.OPENAI_API_KEY not in json.dumps(findings)


def test_no_call_is_sent_where_none_is_wanted(provider: FaultServer) -> None:
    assert examine("--no-call")[1]["provider"]["result"] == "ok"

    assert provider.requests() == []


def test_working_key_that_is_still_paused_is_told(provider: FaultServer) -> None:
    _, findings = examine("--no-call")
    label = findings["provider"]["found"].removesuffix(", not called")
    ProviderPauseFactory(credential=label)

    provider_finding = examine()[1]["provider"]

    assert provider_finding["result"] == "warning"
    assert "resume_provider" in provider_finding["remedy"]


def test_missing_key_is_told_without_a_call(settings: Settings) -> None:
    settings.SIMULATED_PROVIDER = False

    _, findings = examine()

    assert "API_KEY_NOT_CONFIGURED" in findings["provider"]["found"]
    assert "OPENAI_API_KEY" in findings["provider"]["remedy"]


def test_lines_are_for_people_without_json() -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0].startswith("ok       python: 3.")
    assert any(line.startswith("failed   workers") and "→" in line for line in lines)
    assert "\x1b" not in out.getvalue()


def first_contact() -> list[dict[str, str]]:
    out = StringIO()
    with contextlib.suppress(SystemExit):
        call_command("doctor", "--provider", "--json", stdout=out)
    findings: list[dict[str, str]] = json.loads(out.getvalue())
    return findings


def test_first_contact_asks_once_in_each_form_and_is_kept(provider: FaultServer) -> None:
    findings = first_contact()

    forms = [each["check"] for each in findings[1:6]]
    assert forms == [str(rung) for rung in Rung]
    assert findings[0]["result"] == "ok"
    assert "answers as" in findings[0]["found"]
    assert len(findings) <= 10
    assert len(provider.requests()) == 5
    assert ProviderContact.objects.get().report == findings
    assert not ProviderCapability.objects.exists()


def test_first_contact_of_the_last_time_is_on_the_admins_page(
    provider: FaultServer, client: Client
) -> None:
    first_contact()
    staff = UserFactory(is_staff=True)
    staff.groups.add(Group.objects.get(name="Operators (read only)"))
    client.force_login(staff)

    contacts = client.get("/admin/operations/providercontact/")
    capabilities = client.get("/admin/operations/providercapability/")

    assert "json_object_schema: taken" in contacts.text
    assert capabilities.status_code == 200


def test_first_contact_says_why_nothing_answers(provider: FaultServer, settings: Settings) -> None:
    settings.OPENAI_BASE_URL = provider.url("auth_invalid_api_key")

    findings = first_contact()

    assert findings[0]["result"] == "failed"
    assert "INVALID_API_KEY" in findings[0]["found"]
    assert findings[0]["remedy"]


def test_own_vocabulary_is_told(provider: FaultServer, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(
        '{"no_more_coffee": "QUOTA_EXCEEDED", "messages": {"kitchen is closed": "SERVER_ERROR"}}'
    )
    settings.OPERATIONS_ERROR_VOCABULARY = str(path)

    _, findings = examine()

    assert findings["vocabulary"]["found"].startswith("1 codes and 1 messages of your own")
