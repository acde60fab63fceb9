"""The shapes of operations and attempts, for reading only."""

from __future__ import annotations

import math
from datetime import UTC
from decimal import Decimal
from typing import Any, cast

from django.utils import timezone
from rest_framework import serializers

from operations import pauses
from operations.models import Attempt, Operation
from operations.queries import (
    attempts_left,
    is_retryable,
    operation_action,
    operation_message,
    waiting,
)
from operations.services import NOW, WHEN_POSSIBLE


class UtcField(serializers.DateTimeField):
    """ISO 8601 with Z, whatever time zone is active."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


class NumberField(serializers.Field[Decimal, Any, float, Any]):
    """A decimal as a JSON number: the framework's own field writes a string."""

    def to_representation(self, value: Decimal) -> float:
        return float(value)


class WaitingSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    message = serializers.CharField()
    until = UtcField(allow_null=True)


class OperationSerializer(serializers.ModelSerializer[Operation]):
    session = serializers.UUIDField(source="session_id")
    subject = serializers.SerializerMethodField()
    attempts_left = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField()
    error_code = serializers.SerializerMethodField()
    error_message = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    usage = serializers.SerializerMethodField()
    created_at = UtcField()
    started_at = UtcField()
    finished_at = UtcField()

    class Meta:
        model = Operation
        fields = (
            "id",
            "kind",
            "status",
            "session",
            "subject",
            "attempts",
            "attempts_left",
            "next_attempt_at",
            "waiting",
            "error_code",
            "error_message",
            "error",
            "simulated",
            "model",
            "usage",
            "created_at",
            "started_at",
            "finished_at",
        )

    def get_subject(self, operation: Operation) -> dict[str, str]:
        return {"type": operation.subject_type, "id": operation.subject_id}

    def get_attempts_left(self, operation: Operation) -> int:
        return attempts_left(operation)

    def get_next_attempt_at(self, operation: Operation) -> str | None:
        if operation.is_final or operation.next_attempt_at is None:
            return None
        return UtcField().to_representation(operation.next_attempt_at)

    def get_waiting(self, operation: Operation) -> dict[str, Any] | None:
        if operation.is_final:
            return None
        reason = waiting(operation, self._paused_credentials())
        return WaitingSerializer(reason).data if reason else None

    def get_error_code(self, operation: Operation) -> str | None:
        return operation.error_code or None

    def get_error_message(self, operation: Operation) -> str | None:
        return operation_message(operation) or None

    def get_error(self, operation: Operation) -> dict[str, Any] | None:
        if operation.status != Operation.Status.FAILED:
            return None
        return {
            "category": operation.error_category,
            "code": operation.error_code,
            "message": operation_message(operation),
            "action": operation_action(operation),
            "retryable": is_retryable(operation),
            "retry_after": seconds_until_retry(operation),
        }

    def get_usage(self, operation: Operation) -> dict[str, Any]:
        return {
            "input_tokens": operation.input_tokens,
            "output_tokens": operation.output_tokens,
            "cost_usd": None if operation.cost_usd is None else float(operation.cost_usd),
        }

    def _paused_credentials(self) -> set[str]:
        # Asked for once an answer, however many operations are in it, and only if one waits.
        context = cast(dict[str, Any], self.context)
        if "paused" not in context:
            context["paused"] = pauses.paused_credentials()
        paused: set[str] = context["paused"]
        return paused


def seconds_until_retry(operation: Operation) -> int | None:
    if operation.retry_after_at is None:
        return None
    return max(0, math.ceil((operation.retry_after_at - timezone.now()).total_seconds()))


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    category = serializers.SerializerMethodField()
    error_code = serializers.SerializerMethodField()
    cost_usd = NumberField()
    started_at = UtcField()
    finished_at = UtcField()

    class Meta:
        model = Attempt
        fields = (
            "number",
            "run",
            "started_at",
            "finished_at",
            "outcome",
            "category",
            "error_code",
            "http_status",
            "provider_request_id",
            "duration_ms",
            "wait_seconds",
            "input_tokens",
            "output_tokens",
            "cost_usd",
            "possibly_paid_twice",
        )

    def get_category(self, attempt: Attempt) -> str | None:
        return attempt.category or None

    def get_error_code(self, attempt: Attempt) -> str | None:
        return attempt.error_code or None


class RetryInput(serializers.Serializer[Any]):
    when = serializers.ChoiceField(choices=(NOW, WHEN_POSSIBLE), default=NOW)
