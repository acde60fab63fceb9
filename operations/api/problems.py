"""Every error of the API as an RFC 9457 problem document.

`type` is "about:blank": `code` is what a program branches on. `detail` is a sentence for a person,
in the reader's language. Nothing an exception says about itself ever reaches a client.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import (
    VALIDATION_ERROR,
    Error,
    ErrorResponse,
    ExceptionHandlerContext,
)
from rest_framework.exceptions import (
    APIException,
    ErrorDetail,
    NotAuthenticated,
    ParseError,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.settings import api_settings

from operations import events, trace
from operations.database import trouble
from operations.database.trouble import is_trouble
from operations.errors import OpenAIServiceError
from operations.queries import is_of_deleted_account
from operations.refusals import OperationInProgress, Refusal

CONTENT_TYPE = "application/problem+json"
# A document about what is wrong must not be larger than what was sent.
MAX_ERRORS = 100
MAX_DETAIL = 200
DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
RETRY_AFTER_SECONDS = 5
"""A fail-over takes longer, a restart does not."""


def problem_document(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """RFC 9457, with the `code` that programs go by and, once it is known, the request's id."""
    known = HTTPStatus(status)
    if request_id := trace.request_id():
        members["request_id"] = request_id
    return {
        "type": "about:blank",
        "title": known.phrase,
        "status": known.value,
        "detail": detail,
        "code": code,
        **members,
    }


class Problem(APIException):
    """An error with members of its own beside the standard ones."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        members: Mapping[str, Any] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.status_code = status
        self.members = dict(members or {})
        self.wait = retry_after_seconds  # what the framework's handler makes Retry-After of
        super().__init__(detail, code)


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = gettext_lazy("The request is too large: at most 6 MB are possible.")


class LengthRequired(APIException):
    status_code = 411
    default_code = "length_required"
    default_detail = gettext_lazy("Send the body with its Content-Length, not in chunks.")


class ProblemFormatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        errors = error_response.errors
        if error_response.type == VALIDATION_ERROR:
            return self._problem(
                code="VALIDATION_ERROR",
                detail=_("Some of what was sent cannot be used. See “errors”."),
                **_bounded_errors(errors),
            )
        if isinstance(self.exc, Problem):
            # Our own sentence, whole; others may repeat what was sent.
            return self._problem(
                code=errors[0].code.upper(), detail=errors[0].detail, **self.exc.members
            )
        return self._problem(code=errors[0].code.upper(), detail=_clipped(errors[0].detail))

    def _problem(self, *, code: str, detail: str, **members: Any) -> dict[str, Any]:
        return problem_document(self.exc.status_code, code, detail, **members)


class ProblemHandler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, Refusal):
            return _refused(exc)
        if isinstance(exc, DjangoValidationError):
            return _invalid(exc)
        if isinstance(exc, OpenAIServiceError):
            return _ai_unavailable(exc)
        if is_trouble(exc):
            return _database_unavailable(exc)
        request = self.context["request"]
        if request is not None and is_of_deleted_account(exc, request.user):
            return self._not_signed_in()
        if isinstance(exc, RequestDataTooBig):
            return BodyTooLarge()
        if isinstance(exc, SuspiciousOperation):
            return ParseError()
        return super().convert_known_exceptions(exc)

    def _not_signed_in(self) -> APIException:
        refusal = NotAuthenticated(_("This account was deleted meanwhile."))
        # As the framework gives it to those alone that were raised as such.
        refusal.auth_header = "Token"  # type: ignore[attr-defined]
        return refusal

    def should_not_handle(self, exc: Exception) -> bool:
        # Also with DEBUG on, a program gets a problem document; the stack trace is in the log.
        return False

    def convert_unhandled_exceptions(self, exc: Exception) -> APIException:
        if isinstance(exc, APIException):
            return exc
        return APIException(
            _("Something went wrong on our side. Nothing that was saved before is lost."),
            code="internal_error",
        )

    def format_exception(self, exc: APIException) -> dict[str, Any]:
        problem: dict[str, Any] = ProblemFormatter(exc, self.context, self.exc).run()
        return problem

    def get_response(self, exc: APIException, data: dict[str, Any]) -> Response:
        response = super().get_response(exc, data)
        response.content_type = CONTENT_TYPE
        return response

    def report_exception(self, exc: APIException, response: Response) -> None:
        # What the AI service refuses is an event of its operation, a refusal with 503 says that we
        # are busy, and trouble of the database has a line of its own: none is a bug of ours.
        if not (isinstance(self.exc, (OpenAIServiceError, Refusal)) or is_trouble(self.exc)):
            super().report_exception(exc, response)


def problem_handler(exc: Exception, context: ExceptionHandlerContext) -> Response | None:
    return ProblemHandler(exc, context).run()


def _refused(refusal: Refusal) -> Problem:
    members = {}
    if isinstance(refusal, OperationInProgress) and refusal.existing_id is not None:
        members["operation"] = str(refusal.existing_id)
    return Problem(
        status=refusal.status_code,
        code=refusal.code,
        detail=str(refusal.message),
        members=members,
        retry_after_seconds=refusal.retry_after_seconds,
    )


def _ai_unavailable(error: OpenAIServiceError) -> Problem:
    return Problem(
        status=503,
        code=error.error_code,
        detail=error.message,
        members={"category": str(error.category), "retryable": error.rule.retryable},
    )


def database_unavailable() -> str:
    return _(
        "The database cannot be used at the moment. Send this again in a few seconds; with an "
        "Idempotency-Key nothing is done twice."
    )


def _database_unavailable(error: Exception) -> Problem:
    events.log_seldom(events.REQUEST_REFUSED, level=logging.WARNING, **trouble.fields(error))
    trouble.leave_connection()
    return Problem(
        status=503,
        code=DATABASE_UNAVAILABLE,
        detail=database_unavailable(),
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def _invalid(error: DjangoValidationError) -> ValidationError:
    if hasattr(error, "error_dict"):
        by_field = error.error_dict
    else:
        by_field = {api_settings.NON_FIELD_ERRORS_KEY: error.error_list}
    return ValidationError(
        {
            field: [
                ErrorDetail(message, code=each.code or "invalid")
                for each in errors
                for message in each.messages
            ]
            for field, errors in by_field.items()
        }
    )


def _bounded_errors(errors: list[Error]) -> dict[str, Any]:
    """`errors`, and `errors_left_out` where they are more than anybody reads."""
    members: dict[str, Any] = {"errors": [_field_error(error) for error in errors[:MAX_ERRORS]]}
    if len(errors) > MAX_ERRORS:
        members["errors_left_out"] = len(errors) - MAX_ERRORS
    return members


def _field_error(error: Error) -> dict[str, str | None]:
    """`field` is null where the body as a whole is wrong."""
    whole_body = error.attr == api_settings.NON_FIELD_ERRORS_KEY
    return {
        "field": None if whole_body or error.attr is None else _clipped(error.attr),
        "code": error.code,
        "detail": _clipped(error.detail),
    }


def _clipped(text: str) -> str:
    """Sentences may quote what was sent. The middle is left out: the end says what is wrong."""
    if len(text) <= MAX_DETAIL:
        return text
    half = (MAX_DETAIL - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
