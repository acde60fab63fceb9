"""What every side reads and writes: one input row and one result row a job."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Job(models.Model):
    """The input. For peers its status too; ours keeps that in `Operation`."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    prompt = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Job]] = models.Manager()

    def __str__(self) -> str:
        return f"job {self.pk}"


class Result(models.Model):
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="result")
    score = models.PositiveSmallIntegerField()
    feedback = models.TextField()
    strengths = models.JSONField()
    model = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Result]] = models.Manager()

    def __str__(self) -> str:
        return f"result {self.pk}"
