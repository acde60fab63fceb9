"""A person's own key for the provider, encrypted; and as much of it as may be shown."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class OwnKey(models.Model):
    """Calls for its owner are made with it, and nobody else's."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="own_key",
    )
    encrypted = models.TextField(
        editable=False, help_text="Fernet, by FIELD_ENCRYPTION_KEY. Decrypted by who calls alone."
    )
    hint = models.CharField(max_length=8, help_text="Its last characters; of a short key none.")
    base_url = models.CharField(
        max_length=200, blank=True, help_text="One of OWN_KEY_BASE_URLS; empty: the installation's."
    )
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ("-saved_at",)

    def __str__(self) -> str:
        return f"own key of {self.owner_id}"  # the admin keeps it in its log
