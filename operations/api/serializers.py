"""The shapes of operations and attempts, for reading only."""

from __future__ import annotations

import functools
import math
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from operations.models import Attempt, Operation
from operations.queries import (
    attempts_left,
    is_retryable,
    operation_action,
    operation_message,
    tell_together,
    waiting,
)
from operations.services import NOW, WHEN_POSSIBLE


class UtcField(serializers.DateTimeField):
    """ISO 8601 with Z, whatever time zone is active."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


@extend_schema_field(OpenApiTypes.DOUBLE)
class NumberField(serializers.Field[Decimal, Any, float, Any]):
    """A decimal as a JSON number: the framework's own field writes a string."""

    def to_representation(self, value: Decimal) -> float:
        return float(value)


class TextOrNull(serializers.CharField):
    """Null for what is empty in the row."""

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return value or None


class WaitingSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    message = serializers.CharField()
    until = UtcField(allow_null=True)


class SubjectSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    id = serializers.CharField()


class OperationErrorSerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    action = serializers.CharField()
    retryable = serializers.BooleanField()
    retry_after = serializers.IntegerField(allow_null=True)


class UsageSerializer(serializers.Serializer[Any]):
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField(allow_null=True)


class OperationsSerializer(serializers.ListSerializer[Operation]):
    def to_representation(self, data: Any) -> list[Any]:
        """What the texts of the rows have to ask is asked once for all."""
        rows = list(data)
        tell_together(rows)
        return super().to_representation(rows)


class OperationSerializer(serializers.ModelSerializer[Operation]):
    session = serializers.UUIDField(source="session_id", allow_null=True)
    subject = serializers.SerializerMethodField()
    attempts_left = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField()
    error_code = TextOrNull(allow_null=True)
    error_message = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    usage = serializers.SerializerMethodField()
    created_at = UtcField()
    started_at = UtcField(allow_null=True)
    finished_at = UtcField(allow_null=True)

    class Meta:
        model = Operation
        list_serializer_class = OperationsSerializer
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

    @extend_schema_field(SubjectSerializer)
    def get_subject(self, operation: Operation) -> dict[str, str]:
        return {"type": operation.subject_type, "id": operation.subject_id}

    def get_attempts_left(self, operation: Operation) -> int:
        return attempts_left(operation)

    @extend_schema_field(UtcField(allow_null=True))
    def get_next_attempt_at(self, operation: Operation) -> str | None:
        if operation.is_final or operation.next_attempt_at is None:
            return None
        return _utc().to_representation(operation.next_attempt_at)

    @extend_schema_field(WaitingSerializer(allow_null=True))
    def get_waiting(self, operation: Operation) -> dict[str, Any] | None:
        reason = waiting(operation)
        return _waiting().to_representation(reason) if reason else None

    def get_error_message(self, operation: Operation) -> str | None:
        return operation_message(operation) or None

    @extend_schema_field(OperationErrorSerializer(allow_null=True))
    def get_error(self, operation: Operation) -> dict[str, Any] | None:
        return error_data(operation)

    @extend_schema_field(UsageSerializer)
    def get_usage(self, operation: Operation) -> dict[str, Any]:
        return {
            "input_tokens": operation.input_tokens,
            "output_tokens": operation.output_tokens,
            "cost_usd": None if operation.cost_usd is None else float(operation.cost_usd),
        }


# Made once, for all threads, which only read them: making one takes as long as writing three rows.
_waiting = functools.cache(WaitingSerializer)
_utc = functools.cache(UtcField)
_one = functools.cache(OperationSerializer)


def data_of(operation: Operation) -> dict[str, Any]:
    """As `OperationSerializer` writes it."""
    return _one().to_representation(operation)


def error_data(operation: Operation) -> dict[str, Any] | None:
    """`OperationErrorSerializer`'s members; None unless it failed."""
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


def seconds_until_retry(operation: Operation) -> int | None:
    if operation.retry_after_at is None:
        return None
    return max(0, math.ceil((operation.retry_after_at - timezone.now()).total_seconds()))


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    category = TextOrNull(allow_null=True)
    error_code = TextOrNull(allow_null=True)
    cost_usd = NumberField(allow_null=True)
    started_at = UtcField()
    finished_at = UtcField(allow_null=True)

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


class PauseSerializer(serializers.Serializer[Any]):
    credential = serializers.CharField(help_text="Empty: whatever the key, by an operator.")
    kind = serializers.CharField(help_text="What an operator holds back; empty: all kinds.")
    category = serializers.CharField(help_text="Empty: by an operator.")
    error_code = serializers.CharField()
    paused_at = serializers.DateTimeField()
    waiting = serializers.IntegerField()


class AlertSerializer(serializers.Serializer[Any]):
    """What `operations.console.telling.as_data` says of something that is wrong now."""

    condition = serializers.CharField(help_text="An error code, or a name like no_worker.")
    subject = serializers.CharField(help_text="A credential, category or channel; empty: all.")
    text = serializers.CharField()
    remedy = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    told_to = serializers.ListField(child=serializers.CharField())
    told_at = serializers.DateTimeField(allow_null=True)
    times_told = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True)


class SpendingSerializer(serializers.Serializer[Any]):
    """Of this calendar month (UTC), with the installation's key."""

    month = serializers.CharField()
    cost_usd = serializers.FloatField(help_text="Of the calls whose price is known.")
    budget_usd = serializers.FloatField(allow_null=True, help_text="Null: none is set.")
    tokens = serializers.IntegerField()
    unpriced_tokens = serializers.IntegerField()


class AllSpendingSerializer(SpendingSerializer):
    people_stopped = serializers.IntegerField(help_text="By the budget of each person.")


class StatsSerializer(serializers.Serializer[Any]):
    """What `operations.console.counts.stats` says."""

    by_status = serializers.DictField(child=serializers.IntegerField())
    by_state = serializers.DictField(child=serializers.IntegerField())
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="By category, of 1h and 24h.",
    )
    oldest_pending_seconds = serializers.FloatField()
    due = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    workers = serializers.IntegerField()
    paused = PauseSerializer(many=True)
    spending = AllSpendingSerializer()
    alerts = AlertSerializer(many=True)


class RetryInput(serializers.Serializer[Any]):
    when = serializers.ChoiceField(choices=(NOW, WHEN_POSSIBLE), default=NOW)
