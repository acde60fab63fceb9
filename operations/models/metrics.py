"""What was counted: observations, and the totals that they are folded into."""

from __future__ import annotations

from django.db import models


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


class MetricMinute(models.Model):
    """How often something ended in a minute: what happened then, whatever became of it since. Kept
    for a week, of all kinds together."""

    minute = models.DateTimeField(help_text="Its begin.")
    name = models.CharField(max_length=60, help_text="A counter of `operations.metrics`.")
    outcome = models.CharField(max_length=10, help_text="An operation's status, a call's outcome.")
    category = models.CharField(max_length=20, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="metric_minute_once", fields=("name", "minute", "outcome", "category")
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.outcome} {self.minute:%Y-%m-%d %H:%M}"
