"""What a provider refused: the credential that waits, and what an administrator must mend."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from operations.errors import CATEGORY_CHOICES


class ProviderPause(models.Model):
    """A credential that the provider refused, or what an operator holds back: the operations wait
    until it is resumed."""

    credential = models.CharField(
        max_length=100, blank=True, help_text="Empty: whatever the key, by an operator."
    )
    kind = models.CharField(
        max_length=40, blank=True, help_text="The one that an operator holds back; empty: all."
    )
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
    reason = models.CharField(
        max_length=500, blank=True, help_text="In the words of the operator who paused it."
    )
    probed_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    let_through = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Operations started in the ramp after a success resumed it; null: no ramp.",
    )

    class Meta:
        indexes = [models.Index(fields=("resumed_at",), name="pause_resumed")]
        constraints = [
            models.UniqueConstraint(
                name="pause_one_open",
                fields=("credential", "kind"),
                condition=Q(resumed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.credential or self.kind or 'everything'}: {self.error_code}"


class ProviderCapability(models.Model):
    """The simpler form of a request that a server was found to take; the full form is no row."""

    credential = models.CharField(max_length=100, help_text="Base URL and key fingerprint.")
    model = models.CharField(max_length=100)
    rung = models.CharField(max_length=20, help_text="`operations.capabilities.Rung`.")
    left_out = models.JSONField(
        default=list, blank=True, help_text="Parameters and schema keywords refused by name."
    )
    learned_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Then the full form is tried again.")

    class Meta:
        verbose_name_plural = "provider capabilities"
        constraints = [
            models.UniqueConstraint(
                name="capability_once_per_model", fields=("credential", "model")
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.credential}: {self.rung}"


class ProviderRate(models.Model):
    """How fast a credential may be called: learned from answers and refusals. Without any limit
    there is no row."""

    credential = models.CharField(
        max_length=100, unique=True, help_text="Base URL and key fingerprint."
    )
    own_key_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Set where the key is a user's own.",
    )
    requests_limit = models.FloatField(null=True, blank=True, help_text="As the provider says.")
    tokens_limit = models.FloatField(null=True, blank=True, help_text="As the provider says.")
    starts_per_second = models.FloatField(
        null=True,
        blank=True,
        help_text="Of all workers together, as refusals have shown; grows while there are none.",
    )
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="No call starts before: the newest 429 said so."
    )
    waits_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then due work waits for the limit."
    )
    learned_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="Then it is forgotten.")

    def __str__(self) -> str:
        return self.credential


class ProviderContact(models.Model):
    """What `doctor --provider` found the last time, line by line."""

    credential = models.CharField(max_length=100, help_text="Base URL and key fingerprint.")
    model = models.CharField(max_length=100)
    at = models.DateTimeField()
    report = models.JSONField(help_text="[{check, result, found, remedy}]: codes and numbers only.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="contact_once_per_model", fields=("credential", "model"))
        ]

    def __str__(self) -> str:
        return f"{self.model} at {self.credential}"
