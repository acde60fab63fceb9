"""The API's description of itself, held against the API."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from interview_app.api.documented import PASSWORD
from interview_app.tests.factories import (
    InterviewSessionFactory,
    JobPostingFactory,
    QuestionFactory,
)
from operations.api.docs import METHODS, openapi
from operations.tests.api_client import api_client
from operations.tests.factories import OperationFactory, UserFactory

pytestmark = pytest.mark.django_db


def described() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def examples() -> list[Any]:
    return [
        pytest.param(method, path, example["value"], id=f"{method} {path}")
        for method, path, operation in described()
        for body in operation.get("requestBody", {}).get("content", {}).values()
        for example in body.get("examples", {}).values()
    ]


def served(patterns: list[URLPattern | URLResolver], prefix: str = "") -> set[str]:
    """Paths as the schema writes them."""
    found = set()
    for each in patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            found |= served(each.url_patterns, path)
        elif each.name:
            found.add("/" + re.sub(r"<uuid:(\w+)>", r"{\1}", path))
    return found


def test_it_is_complete_and_valid() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_every_route_is_described_and_no_other() -> None:
    routes = {path for path in served(get_resolver().url_patterns) if path.startswith("/api/v1/")}

    paths = {path.replace("{id}", "{pk}") for path in openapi()["paths"]}
    assert paths == routes


def test_every_method_has_a_summary_and_answers_trouble_with_a_problem() -> None:
    for method, path, operation in described():
        assert operation.get("summary"), (method, path)
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]


def test_it_holds_no_word_about_our_code() -> None:
    shapes = openapi()["components"]["schemas"]

    assert [name for name, shape in shapes.items() if "description" in shape] == []
    assert [path for _, path, operation in described() if operation.get("description")] == []


def test_what_creates_takes_an_idempotency_key() -> None:
    keyed = {
        path.removeprefix("/api/v1/")
        for _, path, operation in described()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    }

    assert keyed == {
        "job-postings/",
        "me/api-key/check/",
        "sessions/",
        "sessions/{id}/finish/",
        "sessions/{id}/questions/",
        "sessions/{id}/retake/",
        "questions/{id}/answer/",
        "questions/{id}/follow-up/",
        "questions/{id}/second-opinion/",
        "operations/{id}/retry/",
    }


@pytest.mark.parametrize(("method", "path", "body"), examples())
def test_every_example_is_taken(method: str, path: str, body: dict[str, Any]) -> None:
    carol: User = UserFactory(username="carol")
    carol.set_password(PASSWORD)
    carol.save()
    ids: dict[str, Any] = {
        "questions": QuestionFactory(session__owner=carol),
        "sessions": InterviewSessionFactory(owner=carol),
        "job-postings": JobPostingFactory(owner=carol),
        "operations": OperationFactory(owner=carol, failed=True),
    }
    client, sent = api_client(carol), copy.deepcopy(body)
    if path.endswith("register/"):
        carol.delete()
        client = api_client()
    subject = ids.get(path.split("/")[3])

    answer = getattr(client, method)(path.replace("{id}", str(subject and subject.pk)), sent)

    assert str(answer.status_code) in openapi()["paths"][path][method]["responses"], answer.content


def test_program_and_person_get_it_without_signing_in(client: Client) -> None:
    schema = client.get("/api/schema/")
    page = client.get("/api/docs/")

    assert (schema["Content-Type"], schema.json()["openapi"]) == ("application/json", "3.1.1")
    for method, path, operation in described():
        assert f"<strong>{method.upper()}</strong> <code>{path}</code>" in page.text
        assert f'id="{operation["operationId"]}"' in page.text


def test_the_page_needs_nothing_but_our_own_files(client: Client) -> None:
    page = client.get("/api/docs/")

    assert "unsafe" not in page["Content-Security-Policy"]
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    assert not re.findall(r"<style|<script(?![^>]* src=)| style=| on\w+=", page.text)
