"""Every refusal of the API is a problem document with the right status."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.test import override_settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from operations.api.problems import problem_handler
from operations.errors import RULES, error_from_code
from operations.refusals import OperationInProgress, TooManyOperations
from operations.tests.api_client import api_client, assert_problem
from operations.tests.factories import OperationFactory, UserFactory

OPERATIONS = "/api/v1/operations/"
NOBODYS = "00000000-0000-4000-8000-000000000001"
"""Fixed: processes that share the suite have to agree on the names of its cases."""


def problem_of(error: Exception) -> tuple[int, dict[str, Any]]:
    request = Request(APIRequestFactory().get(OPERATIONS))
    response = problem_handler(
        error, {"view": APIView(), "args": (), "kwargs": {}, "request": request}
    )
    assert response is not None
    return response.status_code, response.data


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_unknown_path_is_a_problem_document(method: str) -> None:
    assert_problem(getattr(api_client(), method)("/api/v1/nothing/here"), 404, "NOT_FOUND")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", OPERATIONS),
        ("get", f"{OPERATIONS}{NOBODYS}/"),
        ("get", f"{OPERATIONS}{NOBODYS}/attempts/"),
        ("post", f"{OPERATIONS}{NOBODYS}/retry/"),
        ("post", f"{OPERATIONS}{NOBODYS}/cancel/"),
    ],
)
def test_nobody_gets_in_without_signing_in(method: str, path: str) -> None:
    response = getattr(api_client(), method)(path)

    assert_problem(response, 401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["ip_wrong", "ip_\xff\xfe", "ip_é", "a b"])
def test_wrong_token_is_refused(token: str) -> None:
    client = api_client()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    response = client.get(OPERATIONS)

    assert_problem(response, 401, "AUTHENTICATION_FAILED")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
def test_browser_session_without_csrf_token_may_read_but_not_write() -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)
    client = api_client(enforce_csrf_checks=True)
    client.force_login(user)

    assert client.get(f"{OPERATIONS}{operation.pk}/").status_code == 200
    response = client.post(f"{OPERATIONS}{operation.pk}/retry/")
    assert_problem(response, 403, "PERMISSION_DENIED")


@pytest.mark.django_db
def test_wrong_method_names_the_right_ones() -> None:
    response = api_client(UserFactory()).delete(OPERATIONS)

    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"NaN", b"[" * 200_000, b"9" * 5000],
    ids=["cut", "no UTF-8", "NaN", "nested too deeply", "endless number"],
)
def test_malformed_json_is_refused(body: bytes) -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)

    response = api_client(user).post(
        f"{OPERATIONS}{operation.pk}/retry/", body, content_type="application/json"
    )

    assert_problem(response, 400, "PARSE_ERROR")


@pytest.mark.django_db
@pytest.mark.parametrize("body", [[], "now", 7, None])
def test_json_that_is_no_object_is_refused(body: Any) -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)

    response = api_client(user).post(f"{OPERATIONS}{operation.pk}/retry/", body)

    if body is None:  # the client sends no body then: all defaults
        assert response.status_code == 202
        return
    errors = assert_problem(response, 400, "VALIDATION_ERROR")["errors"]
    assert [error["field"] for error in errors] == [None]


@pytest.mark.django_db
def test_other_media_types_are_refused() -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)

    response = api_client(user).post(
        f"{OPERATIONS}{operation.pk}/retry/", "<when/>", content_type="application/xml"
    )

    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.django_db
def test_form_is_refused_rather_than_taken_as_an_empty_body() -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)
    client = api_client(enforce_csrf_checks=True)
    client.force_login(user)
    client.cookies["csrftoken"] = "t" * 32
    headers = {"x-csrftoken": "t" * 32, "idempotency-key": "k1"}
    path = f"{OPERATIONS}{operation.pk}/retry/"

    response = client.post(path, {"when": "possible"}, format="multipart", headers=headers)

    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert client.post(path, {"when": "possible"}, headers=headers).status_code == 202


@pytest.mark.django_db
def test_body_in_chunks_is_refused_rather_than_dropped() -> None:
    client = api_client(UserFactory())

    response = client.generic("POST", OPERATIONS, headers={"transfer-encoding": "chunked"})

    assert_problem(response, 411, "LENGTH_REQUIRED")


@pytest.mark.django_db
def test_options_names_the_methods() -> None:
    response = api_client(UserFactory()).options(OPERATIONS)

    assert (response.status_code, response["Allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.django_db
def test_no_cache_keeps_an_answer() -> None:
    user = UserFactory()
    operation = OperationFactory(owner=user)
    client = api_client(user)

    assert client.get(OPERATIONS)["Cache-Control"] == "no-store"
    assert client.get(f"{OPERATIONS}{NOBODYS}/")["Cache-Control"] == "no-store"
    # This one may be kept to compare it, never to show it unasked.
    assert client.get(f"{OPERATIONS}{operation.pk}/")["Cache-Control"] == "private, no-cache"


@pytest.mark.django_db
def test_body_over_six_megabytes_is_refused() -> None:
    user = UserFactory()
    operation = OperationFactory(failed=True, owner=user)

    response = api_client(user).post(
        f"{OPERATIONS}{operation.pk}/retry/",
        b" " * (6 * 1024 * 1024 + 1),
        content_type="application/json",
    )

    assert_problem(response, 413, "BODY_TOO_LARGE")


@pytest.mark.django_db
def test_request_id_is_echoed() -> None:
    client = api_client(UserFactory())

    assert client.get(OPERATIONS, headers={"x-request-id": "abc-123"})["X-Request-ID"] == "abc-123"
    assert client.get(OPERATIONS)["X-Request-ID"]
    assert client.get("/api/v1/nothing/")["X-Request-ID"]


@override_settings(DEBUG=True)
def test_unexpected_error_tells_nothing_even_while_developing() -> None:
    status, problem = problem_of(ZeroDivisionError("a private word: strawberry"))

    assert (status, problem["code"]) == (500, "INTERNAL_ERROR")
    assert "strawberry" not in str(problem)


def test_refusal_keeps_its_code_and_status() -> None:
    other = uuid.uuid4()

    assert problem_of(TooManyOperations())[0] == 429
    status, problem = problem_of(OperationInProgress(other))
    assert (status, problem["code"], problem["operation"]) == (409, "IN_PROGRESS", str(other))


@pytest.mark.parametrize("code", sorted(RULES))
def test_failure_of_the_ai_service_says_its_category_and_what_helps(code: str) -> None:
    status, problem = problem_of(error_from_code(code, detail="a private word: strawberry"))

    assert (status, problem["code"]) == (503, code)
    assert problem["category"] == RULES[code].category
    assert problem["retryable"] is RULES[code].retryable
    assert "strawberry" not in str(problem)


def test_validation_error_of_a_service_names_its_field() -> None:
    error = DjangoValidationError({"role": [DjangoValidationError("Too long.", code="max_length")]})

    status, problem = problem_of(error)

    assert (status, problem["code"]) == (400, "VALIDATION_ERROR")
    assert problem["errors"] == [{"field": "role", "code": "max_length", "detail": "Too long."}]


def test_validation_error_of_the_whole_names_no_field() -> None:
    _, problem = problem_of(DjangoValidationError("Impossible.", code="odd"))

    assert problem["errors"] == [{"field": None, "code": "odd", "detail": "Impossible."}]


@pytest.mark.parametrize(
    ("error", "status"), [(RequestDataTooBig(), 413), (SuspiciousOperation("odd"), 400)]
)
def test_refusals_of_django_itself_are_problems_too(error: Exception, status: int) -> None:
    assert problem_of(error)[0] == status
