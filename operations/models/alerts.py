"""What administrators must know: one row from when it began to when it was over."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Alert(models.Model):
    """A condition that holds, or held: since when, who was told of it, and when again."""

    condition = models.CharField(
        max_length=40, help_text="An error code, or a name of `operations.console.conditions`."
    )
    subject = models.CharField(
        max_length=100, blank=True, help_text="A credential, category or channel; empty: all."
    )
    text = models.TextField(blank=True, help_text="Codes and numbers, as of the last look.")
    operation_id = models.UUIDField(null=True, blank=True, help_text="The first one that met it.")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it held for the last time.")
    next_at = models.DateTimeField(null=True, blank=True, help_text="When to tell (again).")
    tried_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="Deliveries in a row that reached nobody."
    )
    failed_to = models.CharField(
        max_length=60, blank=True, help_text="Channels that the last delivery did not reach."
    )
    told_at = models.DateTimeField(null=True, blank=True)
    told_to = models.CharField(max_length=60, blank=True, help_text="Channels, of the last time.")
    times_told = models.PositiveIntegerField(default=0)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="alert_one_open",
                fields=("condition", "subject"),
                condition=Q(resolved_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(fields=("subject", "condition"), name="alert_subject"),
            models.Index(fields=("tried_at",), name="alert_tried"),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.subject}".strip()
