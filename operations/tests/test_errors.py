"""The taxonomy: one rule for each code, texts that keep their promises, exceptions that travel."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from operations.errors import (
    EXCEPTIONS,
    RULES,
    AuthenticationError,
    Category,
    InternalError,
    NetworkError,
    OpenAIServiceError,
    RateLimitError,
    Rule,
    ServerError,
    Usage,
    category_of,
    error_action,
    error_from_code,
    error_message,
)
from operations.errors.reference import README_ROWS, reference, with_block

CODES = {
    "network": "NETWORK_ERROR TIMEOUT TLS_ERROR PROXY_ERROR REDIRECT_ERROR",
    "server_error": "SERVER_ERROR",
    "rate_limit": "RATE_LIMIT_EXCEEDED SLOW_DOWN",
    "quota_exceeded": "QUOTA_EXCEEDED SPEND_LIMIT_REACHED BILLING_INACTIVE "
    "BUDGET_REACHED USER_BUDGET_REACHED",  # ours: never of a call
    "authentication": "INVALID_API_KEY API_KEY_NOT_CONFIGURED PERMISSION_DENIED "
    "ORGANIZATION_ERROR REGION_NOT_SUPPORTED ACCOUNT_DEACTIVATED",
    "invalid_response": "INVALID_RESPONSE EMPTY_RESPONSE TRUNCATED_RESPONSE SCHEMA_MISMATCH "
    "UNEXPECTED_TOOL_CALL RESPONSE_TOO_LARGE",
    "content_blocked": "CONTENT_FILTERED REFUSED",
    "invalid_request": "INVALID_REQUEST INVALID_SCHEMA REQUEST_TOO_LARGE MODEL_NOT_FOUND "
    "ENDPOINT_NOT_FOUND CONTEXT_LENGTH_EXCEEDED PAYLOAD_TOO_LARGE CONFLICT",
    "internal": "INTERNAL_ERROR WORKER_LOST DEADLINE_EXCEEDED EXPIRED",
}
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def test_rules_are_the_closed_set_of_the_contract() -> None:
    expected = {code: category for category, codes in CODES.items() for code in codes.split()}

    assert {code: str(rule.category) for code, rule in RULES.items()} == expected


def test_only_network_and_server_errors_are_sent_again() -> None:
    retried = {code for code, rule in RULES.items() if rule.retried}

    assert retried == {"NETWORK_ERROR", "TIMEOUT", "SERVER_ERROR"}


def test_only_authentication_and_quota_pause_a_credential() -> None:
    pausing = {rule.category for rule in RULES.values() if rule.pauses}

    assert pausing == {Category.AUTHENTICATION, Category.QUOTA_EXCEEDED}


@pytest.mark.parametrize("category", [Category.AUTHENTICATION, Category.QUOTA_EXCEEDED])
def test_authentication_and_quota_are_logged_as_errors(category: Category) -> None:
    levels = {rule.log_level for rule in RULES.values() if rule.category is category}

    assert levels == {logging.ERROR}


@EVERY_RULE
def test_message_has_its_parts(rule: Rule) -> None:
    for own_key in (False, True):
        message = error_message(rule.code, own_key=own_key, lead="We could not do this")

        assert message.startswith("We could not do this: ")
        assert "Everything you wrote is saved." in message
        assert message.endswith(error_action(rule.code, own_key=own_key))
        assert message.count(".") >= 4


@EVERY_RULE
def test_message_names_nothing_technical(rule: Rule) -> None:
    for own_key in (False, True):
        message = error_message(rule.code, own_key=own_key)

        assert not re.search(r"OpenAI|HTTP|JSON|Error\b|OPENAI_|[A-Z]+_[A-Z]+|\d{3}", message)


@EVERY_RULE
def test_administrator_is_told_where_the_text_says_so(rule: Rule) -> None:
    assert ("administrator has been told" in error_message(rule.code)) is rule.tells_admin


@pytest.mark.parametrize(
    "code",
    [code for code, rule in RULES.items() if rule.pauses and code != "REGION_NOT_SUPPORTED"],
)
def test_own_key_message_speaks_of_the_persons_key(code: str) -> None:
    message = error_message(code, own_key=True)

    assert "your" in message
    assert "administrator" not in message


@EVERY_RULE
def test_remedy_is_a_sentence_for_the_operator(rule: Rule) -> None:
    assert len(rule.remedy) > 40
    assert rule.remedy.endswith(".")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "You can try again now."),
        (0.2, "in 1 second."),
        (40, "in 40 seconds."),
        (91, "in 2 minutes."),
        (43_200, "in 12 hours."),
    ],
)
def test_rate_limit_message_says_when(seconds: float, words: str) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        at = timezone.now() + timedelta(seconds=seconds)

        assert error_message("RATE_LIMIT_EXCEEDED", retry_after_at=at).endswith(words)


def test_code_of_another_release_still_has_a_message() -> None:
    assert category_of("NOT_INVENTED_YET") is Category.INTERNAL
    assert error_message("NOT_INVENTED_YET") == error_message("INTERNAL_ERROR")


@EVERY_RULE
def test_error_survives_pickling_and_copying(rule: Rule) -> None:
    error = error_from_code(
        rule.code,
        http_status=429,
        provider_request_id="req_1",
        retry_after=1.5,
        retry_vetoed=True,
        pauses=False,
        detail="HTTP 429",
        usage=Usage(1, 2, None, "gpt-4o"),
        maybe_processed=False,
    )
    error.__cause__ = ValueError("sk-secret")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert twin.__dict__ == error.__dict__
        assert str(twin) == str(error)


def test_code_and_class_belong_together() -> None:
    with pytest.raises(ValueError, match="TIMEOUT is no RateLimitError"):
        RateLimitError("TIMEOUT")


@pytest.mark.parametrize(("category", "exception"), EXCEPTIONS.items())
def test_each_category_has_its_class(
    category: Category, exception: type[OpenAIServiceError]
) -> None:
    assert exception().category is category
    assert issubclass(exception, OpenAIServiceError)


def test_veto_stops_the_retry() -> None:
    assert ServerError().retried
    assert not ServerError(retry_vetoed=True).retried


def test_verdict_by_text_does_not_pause() -> None:
    assert AuthenticationError().pauses_credential
    assert not AuthenticationError(pauses=False).pauses_credential
    assert not NetworkError(pauses=True).pauses_credential


def test_message_of_an_error_is_in_the_active_language_and_says_when() -> None:
    assert RateLimitError(retry_after=30).message.endswith("in 30 seconds.")
    assert "on our side" in InternalError().message


def test_block_is_replaced_between_its_markers() -> None:
    text = "a\n<!-- errors:begin -->\nold\n<!-- errors:end -->\nb"

    assert with_block(text, "new") == "a\n<!-- errors:begin -->\nnew\n<!-- errors:end -->\nb"


def test_missing_markers_are_said() -> None:
    with pytest.raises(ValueError, match="markers"):
        with_block("nothing", "new")


def test_error_documentation_is_current() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "errors.md").read_text("utf-8")

    assert with_block(text, reference()) == text


def test_readme_names_the_six_categories() -> None:
    assert len({category for category, _ in README_ROWS}) == 6
