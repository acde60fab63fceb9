"""Every AI job is an Operation: the row that is the truth.

Fields, constraints and indexes. Nothing is decided here: who may move a row from one status to the
next is written in `operations.engine.transitions`, and the constraints below are the second line of
defence behind it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from operations.errors import CATEGORY_CHOICES
from operations.trace import MAX_REQUEST_ID, MAX_WORKER

PROVIDER_PROBE = "provider_probe"
"""The one kind that is sent for nobody: it says nothing about how people fare."""


class Operation(models.Model):
    """One AI job of one kind about one subject, from submission to its final status."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Waiting(models.TextChoices):
        QUEUED = "queued"
        BACKOFF = "backoff"
        RATE_LIMITED = "rate_limited"
        PROVIDER_PAUSED = "provider_paused"
        RESCUED = "rescued"

    UNFINISHED = (Status.PENDING, Status.RUNNING)
    RETRYABLE = (Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="operations",
    )
    session_id = models.UUIDField(
        null=True, blank=True, help_text="A plain id: this app knows no interview tables."
    )
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=36)
    parameters = models.JSONField(
        default=dict,
        blank=True,
        help_text="Ids, counts and flags the kind needs. Never what a person wrote.",
    )
    credential = models.CharField(
        max_length=100,
        blank=True,
        help_text="Base URL and key fingerprint of the newest run's calls, set by the claim.",
    )
    own_key = models.BooleanField(
        default=False, help_text="Whether the owner's own key is used, not the installation's."
    )

    run = models.PositiveIntegerField(
        default=1, help_text="A person's retry starts a new run with a full budget of calls."
    )
    attempts = models.PositiveIntegerField(
        default=0, help_text="HTTP calls started over the whole life."
    )
    run_attempts = models.PositiveIntegerField(
        default=0, help_text="HTTP calls started in this run."
    )
    losses = models.PositiveIntegerField(
        default=0, help_text="Workers lost under this run; the fourth fails the operation."
    )
    deferrals = models.PositiveIntegerField(
        default=0, help_text="Times this run waited for a rate limit instead of failing."
    )
    is_probe = models.BooleanField(
        default=False, help_text="May be claimed although its credential is paused."
    )
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="No call starts before; null: at once."
    )
    waiting_reason = models.CharField(
        max_length=20, choices=Waiting.choices, default=Waiting.QUEUED, blank=True
    )

    fence = models.BigIntegerField(
        default=0, help_text="Fencing token: raised by each claim, rescue and retry, never lowered."
    )
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(
        max_length=MAX_WORKER, blank=True, help_text="host:pid of the newest claim; stays after it."
    )
    request_id = models.CharField(
        max_length=MAX_REQUEST_ID,
        blank=True,
        help_text="X-Request-ID of the request that asked for the newest run.",
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    error_category = models.CharField(max_length=20, choices=CATEGORY_CHOICES, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    retry_after_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider said that a new try makes sense."
    )

    simulated = models.BooleanField(default=False)
    model = models.CharField(max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Null where the price is unknown; never 0 for unknown.",
    )

    subject_deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="What it was about is gone: it cannot be retried."
    )
    acknowledged_at = models.DateTimeField(
        null=True, blank=True, help_text="An operator has seen this failure; a retry clears it."
    )
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledgement = models.CharField(
        max_length=500, blank=True, help_text="The operator's note. Never what a candidate wrote."
    )

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(help_text="Creation or last retry: expiry counts from here.")
    turn_at = models.DateTimeField(
        default=timezone.now,
        help_text="Claims go by this: queued, or later behind its owner's others of this kind.",
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at", "-id")
        permissions = [
            ("retry_operation", "Can retry operations of others"),
            ("cancel_operation", "Can cancel operations of others"),
            ("bulk_operation", "Can act on many operations at once"),
            ("resume_provider", "Can resume a paused provider"),
            ("view_content", "Can see what a candidate wrote"),
        ]
        constraints = [
            models.CheckConstraint(
                name="operation_running_iff_leased",
                condition=Q(
                    status="running", lease_owner__isnull=False, lease_expires_at__isnull=False
                )
                | (
                    ~Q(status="running")
                    & Q(lease_owner__isnull=True, lease_expires_at__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="operation_final_iff_finished_at",
                condition=Q(
                    status__in=("completed", "failed", "cancelled"), finished_at__isnull=False
                )
                | Q(status__in=("pending", "running"), finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="operation_failed_iff_error_code",
                condition=(Q(status="failed") & ~Q(error_code="") & ~Q(error_category=""))
                | (~Q(status="failed") & Q(error_code="", error_category="")),
            ),
            models.UniqueConstraint(
                name="operation_one_unfinished_per_subject",
                fields=("kind", "subject_type", "subject_id"),
                condition=Q(status__in=("pending", "running")),
            ),
        ]
        indexes = [
            models.Index(
                fields=("turn_at", "id"), name="operation_due", condition=Q(status="pending")
            ),
            models.Index(
                fields=("queued_at",), name="operation_waiting", condition=Q(status="pending")
            ),
            models.Index(  # operations.database.backlog: since when each could have been claimed
                "own_key",
                Coalesce("next_attempt_at", "queued_at"),
                "id",
                name="operation_due_by_key",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=("owner", "kind", "-turn_at"),
                name="operation_turns",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=("lease_expires_at",),
                name="operation_leases",
                condition=Q(status="running"),
            ),
            models.Index(fields=("session_id", "-created_at"), name="operation_session"),
            models.Index(fields=("owner", "-created_at", "-id"), name="operation_owner"),
            models.Index(fields=("-created_at", "-id"), name="operation_newest"),
            models.Index(fields=("subject_type", "subject_id", "kind"), name="operation_subject"),
            models.Index(
                fields=("status", "error_category", "-finished_at"), name="operation_failures"
            ),
            models.Index(
                fields=("error_category", "error_code", "-finished_at"),
                name="operation_unseen_failures",
                condition=Q(status="failed", acknowledged_at__isnull=True),
            ),
            models.Index(fields=("finished_at", "status"), name="operation_ended"),
            models.Index(
                fields=("request_id",), name="operation_request", condition=~Q(request_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.status not in self.UNFINISHED

    @property
    def can_be_retried(self) -> bool:
        return self.status in self.RETRYABLE and self.subject_deleted_at is None
