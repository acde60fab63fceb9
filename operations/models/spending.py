"""What calls cost, month by month, and what one call of each kind is expected to."""

from __future__ import annotations

from django.db import models


class Spending(models.Model):
    """What the calls of a month cost with the installation's key: of all together, and of each
    person. Folded from what the ends of calls left (`operations.spending`); neither pruning nor the
    deletion of a practice lowers it."""

    ALL = 0

    month = models.CharField(max_length=7, help_text="UTC: 2026-11.")
    person = models.BigIntegerField(
        default=ALL,
        help_text="A user's id, 0 for everybody together. No foreign key: the fold may come after"
        " the account's end.",
    )
    tokens = models.BigIntegerField(default=0, help_text="Sent and written, priced or not.")
    unpriced_tokens = models.BigIntegerField(
        default=0, help_text="Those of them for which no price is known."
    )
    micro_usd = models.BigIntegerField(default=0, help_text="Millionths of a US dollar.")

    class Meta:
        constraints = [models.UniqueConstraint(name="spending_once", fields=("month", "person"))]

    def __str__(self) -> str:
        return f"{self.month} {self.person or 'all'}"


class CallEstimate(models.Model):
    """What one call of a kind takes, as a supervisor last worked it out: web processes know neither
    the key nor the prices."""

    kind = models.CharField(max_length=40, unique=True)
    model = models.CharField(max_length=100)
    simulated = models.BooleanField(default=False)
    measured = models.PositiveIntegerField(
        default=0, help_text="Operations that it is the mean of; 0: from the prompt's size."
    )
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, help_text="Null where the price is unknown."
    )
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind
