"""How often somebody tried, and what is known of where they come from."""

from __future__ import annotations

from django.db import models


class Limit(models.Model):
    """How far one bucket of `operations.limits` is used, or a mark. Digests, no names."""

    key = models.CharField(max_length=64, primary_key=True)
    rule = models.CharField(max_length=30)
    account = models.CharField(max_length=32, blank=True, db_index=True)
    used_until = models.FloatField(help_text="Unix time, seconds.")
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody was last told to wait."
    )
    refusals = models.PositiveIntegerField(
        default=0, help_text="Told to wait; at most one a minute and process is counted."
    )

    class Meta:
        permissions = [("clear_limit", "Can let somebody try again at once")]

    def __str__(self) -> str:
        return self.key
