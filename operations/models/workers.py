"""Who works: drains that are alive, and clusters that had to be started again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from operations.trace import MAX_WORKER


class WorkerHeartbeat(models.Model):
    """A drain that is alive: written at its start and with each heartbeat, deleted at its end."""

    id = models.UUIDField(primary_key=True, help_text="Random per drain; the lease owner.")
    supervisor = models.CharField(max_length=36, blank=True)
    slot = models.PositiveSmallIntegerField(default=0)
    hostname = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    credential = models.CharField(
        max_length=100,
        blank=True,
        help_text="Base URL and key fingerprint that it calls the installation's provider with.",
    )
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
    """A cluster that its supervisor had to start again, or a process of it that died."""

    supervisor = models.CharField(max_length=36)
    reason = models.CharField(max_length=10, help_text="exited, stuck or died.")
    hostname = models.CharField(max_length=MAX_WORKER, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    held = models.PositiveIntegerField(default=0, help_text="Operations, given back since.")
    exit_code = models.IntegerField(
        null=True, blank=True, help_text="Of the process; negative: the signal."
    )
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return self.reason
