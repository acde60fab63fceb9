"""The ledger: every AI call is an Operation, every HTTP call of it an Attempt.

This module holds fields, constraints and querysets. It decides nothing: who may move a row from one
status to the next is written in `operations.engine.transitions`, and the constraints below are the
second line of defence behind it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils import timezone

from operations.errors import CATEGORY_CHOICES


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
        help_text="Base URL and key fingerprint that the newest run uses; what a pause applies to.",
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
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.status not in self.UNFINISHED

    @property
    def can_be_retried(self) -> bool:
        return self.status in self.RETRYABLE and self.subject_deleted_at is None


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
        Operation, on_delete=models.CASCADE, related_name="attempt_ledger"
    )
    number = models.PositiveIntegerField(help_text="Counted over the operation's whole life.")
    run = models.PositiveIntegerField()
    fence = models.BigIntegerField()
    credential = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
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


class OperationEvent(models.Model):
    """One change of an operation, in the same transaction as the change. Never edited."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="events")
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
    detail = models.JSONField(default=dict, blank=True, help_text="Codes and numbers only.")
    at = models.DateTimeField()

    class Meta:
        ordering = ("operation", "id")

    def __str__(self) -> str:
        return self.name


class WorkerHeartbeat(models.Model):
    """A drain that is alive: written at its start and with each heartbeat, deleted at its end."""

    id = models.UUIDField(primary_key=True, help_text="Random per drain; the lease owner.")
    supervisor = models.CharField(max_length=36, blank=True)
    slot = models.PositiveSmallIntegerField(default=0)
    hostname = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    in_flight = models.PositiveIntegerField(default=0)
    accepts_work = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Beat plus lease: dead if this has passed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="heartbeat_one_drain_per_slot",
                fields=("supervisor", "slot"),
                condition=Q(accepts_work=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"


class WorkerRestart(models.Model):
    """A cluster that its supervisor had to start again."""

    supervisor = models.CharField(max_length=36)
    reason = models.CharField(max_length=10, help_text="exited or stuck.")
    exit_code = models.IntegerField(
        null=True, blank=True, help_text="Of the main process; negative: the signal."
    )
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return self.reason


class ProviderPause(models.Model):
    """A credential that the provider refused: its operations wait until somebody resumes it."""

    credential = models.CharField(max_length=100)
    own_key_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="provider_pauses",
        help_text="Set where the key is a user's own.",
    )
    error_category = models.CharField(max_length=20, choices=CATEGORY_CHOICES)
    error_code = models.CharField(max_length=40)
    operation_id = models.UUIDField(null=True, blank=True, help_text="The one that met it.")
    paused_at = models.DateTimeField()
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Set where an operator paused it by hand.",
    )
    probed_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="pause_one_open_per_credential",
                fields=("credential",),
                condition=Q(resumed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.credential}: {self.error_code}"


class IdempotencyKey(models.Model):
    """What a repeated POST must get again. Written in the transaction that creates the object."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(default=201)
    object_id = models.CharField(max_length=36)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="idempotency_key_once", fields=("user", "route", "key"))
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class MetricDelta(models.Model):
    """One observation, written with the change it counts. Folded into MetricTotal later."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=200, help_text="JSON object, keys sorted.")
    bucket = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Index into metrics.BUCKETS; null for a counter."
    )
    count = models.PositiveIntegerField(default=1)
    total = models.FloatField(default=0.0, help_text="Sum of what was observed, seconds.")

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"


class MetricTotal(models.Model):
    """Counts since the installation began. Only ever grows: pruning does not lower it."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=200)
    bucket = models.SmallIntegerField(default=-1, help_text="-1 for a counter.")
    count = models.BigIntegerField(default=0)
    total = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="metric_total_once", fields=("name", "labels", "bucket"))
        ]

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"


class Alert(models.Model):
    """Something an administrator must mend: at most one per credential and hour, sent by mail and
    webhook from the supervisor."""

    credential = models.CharField(max_length=100, blank=True)
    hour = models.DateTimeField(help_text="The hour it belongs to.")
    error_category = models.CharField(max_length=20, choices=CATEGORY_CHOICES)
    error_code = models.CharField(max_length=40)
    operation_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="alert_once_an_hour", fields=("credential", "hour"))
        ]

    def __str__(self) -> str:
        return f"{self.error_code} {self.hour:%Y-%m-%d %H:00}"


class BulkAction(models.Model):
    """One verb on many operations: a draft until somebody confirms it, then run in the background.

    Which operations it means is frozen in its items when the draft is made: what was counted in the
    dry run is what is done.
    """

    class Verb(models.TextChoices):
        RETRY = "retry"
        CANCEL = "cancel"
        ACKNOWLEDGE = "acknowledge"

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    verb = models.CharField(max_length=12, choices=Verb.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    door = models.CharField(max_length=10, default="admin")
    options = models.JSONField(
        default=dict, blank=True, help_text="`when` of a retry, `note` of an acknowledgement."
    )
    query = models.CharField(
        max_length=1000, blank=True, help_text="The list's filter that it was made from."
    )
    spread_seconds = models.PositiveIntegerField(
        default=0, help_text="Spread over so long; 0: as fast as possible."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(
                fields=("started_at",), name="bulk_action_running", condition=Q(state="running")
            )
        ]

    def __str__(self) -> str:
        return f"bulk {self.verb} {self.pk}"


class BulkItem(models.Model):
    """What became of one operation of a bulk action."""

    class Outcome(models.TextChoices):
        WAITING = "waiting"
        CHANGED = "changed"
        SKIPPED = "skipped"
        FAILED = "failed"

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items")
    operation_id = models.UUIDField(help_text="A plain id: the report outlives the operation.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    reason = models.CharField(max_length=40, blank=True, help_text="The refusal's code.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("action", "id")
        constraints = [
            models.UniqueConstraint(name="bulk_item_once", fields=("action", "operation_id"))
        ]
        indexes = [models.Index(fields=("action", "outcome", "id"), name="bulk_item_outcome")]

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.outcome}"


class ContentView(models.Model):
    """Somebody with `view_content` opened a page with what a candidate wrote. Never edited."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=36)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id}"
