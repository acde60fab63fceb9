"""What was sent never comes back larger: error documents and the sentences in them are bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from interview_app.models import JobPosting
from operations.api.problems import problem_handler
from operations.errors import RULES, error_from_code
from operations.tests.api_client import api_client, assert_problem

POSTINGS = "/api/v1/job-postings/"
OPERATIONS = "/api/v1/operations/"
SESSIONS = "/api/v1/sessions/"
POSTING = {"title": "Cook", "description": "We cook."}
LONG = "spoon-" * 10_000


def problem_of(error: Exception) -> dict[str, Any]:
    request = Request(APIRequestFactory().get(POSTINGS))
    response = problem_handler(
        error, {"view": APIView(), "args": (), "kwargs": {}, "request": request}
    )
    assert response is not None
    body: dict[str, Any] = json.loads(json.dumps(response.data))
    return body


@pytest.mark.django_db
@pytest.mark.parametrize(
    "entry",
    [{}, None, 7.5, [], "x" * 101],
    ids=["object", "null", "number", "list", "long word"],
)
def test_a_long_list_of_wrong_entries_gets_one_error(alice: User, entry: object) -> None:
    few = api_client(alice).post(POSTINGS, {**POSTING, "tech_stack": [entry] * 51})
    many = api_client(alice).post(POSTINGS, {**POSTING, "tech_stack": [entry] * 4_000})

    errors = assert_problem(many, 400, "VALIDATION_ERROR")["errors"]
    assert [(each["field"], each["code"]) for each in errors] == [("tech_stack", "max_length")]
    assert len(many.content) == len(few.content) < 1_000


@pytest.mark.django_db
def test_a_long_list_is_refused_when_a_posting_is_changed(alice: User) -> None:
    posting = JobPosting.objects.create(owner=alice, **POSTING)

    response = api_client(alice).patch(f"{POSTINGS}{posting.pk}/", {"tech_stack": [{}] * 51})

    assert len(assert_problem(response, 400, "VALIDATION_ERROR")["errors"]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (POSTINGS, {**POSTING, "experience_level": LONG}),
        (POSTINGS, {**POSTING, "language": [LONG]}),
        (SESSIONS, {"role": "Cook", "job_posting": LONG}),
        (SESSIONS, {"role": "Cook", "seniority": LONG}),
        (SESSIONS, {"role": "Cook", "mode": {LONG: LONG}}),
    ],
    ids=["choice", "list for a choice", "identifier", "seniority", "object for a choice"],
)
def test_a_long_value_is_not_told_back(alice: User, path: str, body: dict[str, Any]) -> None:
    response = api_client(alice).post(path, body)

    (error,) = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert len(error["detail"]) <= 200
    assert len(response.content) < 1_000


@pytest.mark.django_db
def test_the_end_of_a_clipped_sentence_says_what_is_wrong(alice: User) -> None:
    response = api_client(alice).post(POSTINGS, {**POSTING, "experience_level": LONG})

    (error,) = response.json()["errors"]
    assert error["detail"].startswith('"spoon-spoon-')
    assert error["detail"].endswith('spoon-" is not a valid choice.')


@pytest.mark.django_db
def test_a_long_filter_or_media_type_is_not_told_back(alice: User) -> None:
    client = api_client(alice)

    filtered = client.get(OPERATIONS, {"status": LONG[:5_000]})
    typed = client.put("/api/v1/me/resume/", b"x", content_type=f"text/{LONG[:5_000]}")

    assert (filtered.status_code, typed.status_code) == (400, 415)
    assert len(filtered.content) < 1_000
    assert len(typed.content) < 1_000


def test_a_document_names_a_hundred_errors_and_counts_the_rest() -> None:
    wrong = {f"field {number}": [ErrorDetail("No.", "invalid")] for number in range(250)}

    problem = problem_of(ValidationError(wrong))

    assert len(problem["errors"]) == 100
    assert problem["errors_left_out"] == 150


def test_a_document_with_all_errors_counts_none() -> None:
    wrong = {f"field {number}": [ErrorDetail("No.", "invalid")] for number in range(100)}

    problem = problem_of(ValidationError(wrong))

    assert len(problem["errors"]) == 100
    assert "errors_left_out" not in problem


def test_a_long_name_of_a_field_is_clipped() -> None:
    (error,) = problem_of(ValidationError({LONG: ["No."]}))["errors"]

    assert len(error["field"]) <= 200


@pytest.mark.parametrize("code", list(RULES))
def test_our_own_sentences_are_told_whole(code: str) -> None:
    error = error_from_code(code)

    assert problem_of(error)["detail"] == error.message


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["seniority", "interview_type", "mode", "language"])
def test_a_page_does_not_tell_a_long_choice_back(client: Client, alice: User, field: str) -> None:
    client.force_login(alice)

    page = client.post("/practice/new/", {"role": "Cook", field: LONG})

    assert page.status_code == 400
    assert "spoon-" not in page.text
