"""The ledger: every HTTP call is an Attempt, every change of an operation an event."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from operations.errors import CATEGORY_CHOICES
from operations.trace import MAX_REQUEST_ID, MAX_WORKER

HAS_SHORT_TEXT = Q(LessThanOrEqual(Length("detail"), 600)) & ~Q(detail="")
HAS_LONG_TEXT = Q(GreaterThan(Length("detail"), 600))
"""Of an attempt: the conditions of two indexes, and of the searches that are to use them."""


class Attempt(models.Model):
    """One HTTP call to the provider, written before it is sent."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        LOST = "lost"
        CANCELLED = "cancelled"
        FENCED = "fenced"
        RELEASED = "released"

    operation = models.ForeignKey(
        "operations.Operation", on_delete=models.CASCADE, related_name="attempt_ledger"
    )
    number = models.PositiveIntegerField(help_text="Counted over the operation's whole life.")
    run = models.PositiveIntegerField()
    fence = models.BigIntegerField()
    credential = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    worker = models.CharField(max_length=MAX_WORKER, blank=True, help_text="host:pid")
    request_id = models.CharField(
        max_length=MAX_REQUEST_ID, blank=True, help_text="Of the request that asked for its run."
    )
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    category = models.CharField(max_length=20, choices=CATEGORY_CHOICES, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    provider_request_id = models.CharField(max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    wait_seconds = models.FloatField(
        null=True, blank=True, help_text="Chosen before the next call, seconds."
    )
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    possibly_paid_twice = models.BooleanField(default=False)
    detail = models.TextField(
        blank=True, help_text="Masked technical text for the operator; never shown to a person."
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("operation", "number")
        constraints = [
            models.UniqueConstraint(name="attempt_number_once", fields=("operation", "number")),
            models.UniqueConstraint(
                name="attempt_one_running",
                fields=("operation",),
                condition=Q(outcome="running"),
            ),
            models.CheckConstraint(
                name="attempt_running_iff_unfinished",
                condition=Q(outcome="running", finished_at__isnull=True)
                | (~Q(outcome="running") & Q(finished_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=("provider_request_id",), name="attempt_request_id"),
            models.Index(
                fields=("request_id",), name="attempt_request", condition=~Q(request_id="")
            ),
            models.Index(fields=("finished_at",), name="attempt_ended"),
            # The console's search. PostgreSQL refuses a row whose entry in an index is longer than
            # 2,704 bytes, and an attempt must never be refused: long texts have their own index.
            models.Index(
                fields=("detail", "operation"),
                name="attempt_texts",
                condition=HAS_SHORT_TEXT,
            ),
            models.Index(
                fields=("operation",),
                name="attempt_long_texts",
                condition=HAS_LONG_TEXT,
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.operation_id}"


class Door(models.TextChoices):
    """Whoever calls a verb."""

    PAGE = "page"
    ADMIN = "admin"
    API = "api"
    COMMAND = "command"
    WORKER = "worker"
    SWEEP = "sweep"


class OperationEvent(models.Model):
    """One change of an operation, in the same transaction as the change. Never edited."""

    operation = models.ForeignKey(
        "operations.Operation", on_delete=models.CASCADE, related_name="events"
    )
    name = models.CharField(max_length=40, help_text="An event of `operations.events`.")
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10, blank=True)
    fence = models.BigIntegerField(default=0)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    door = models.CharField(
        max_length=10, blank=True, help_text="page, admin, api, command, worker or sweep."
    )
    worker = models.CharField(
        max_length=MAX_WORKER, blank=True, help_text="host:pid, where a worker or sweep made it."
    )
    request_id = models.CharField(
        max_length=MAX_REQUEST_ID,
        blank=True,
        help_text="Of the request that made it or asked for it.",
    )
    detail = models.JSONField(default=dict, blank=True, help_text="Codes and numbers only.")
    at = models.DateTimeField()

    class Meta:
        ordering = ("operation", "id")

    def __str__(self) -> str:
        return self.name
