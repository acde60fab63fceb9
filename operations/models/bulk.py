"""One verb on many operations: the action, and what became of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from operations.models.ledger import Door


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
    door = models.CharField(max_length=10, default=Door.ADMIN)
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
