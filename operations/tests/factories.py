"""Rows in each state an operation can be in. A factory never calls a service."""

from __future__ import annotations

import uuid
from datetime import timedelta

import factory
from django.conf import settings
from django.utils import timezone

from operations.errors import category_of
from operations.models import (
    Attempt,
    Operation,
    OperationEvent,
    ProviderPause,
    ProviderRate,
    WorkerHeartbeat,
)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = settings.AUTH_USER_MODEL
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"alice{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("correct horse")


class OperationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Operation

    kind = "question_generation"
    subject_type = "session"
    session_id = factory.LazyFunction(uuid.uuid4)
    subject_id = factory.LazyAttribute(lambda row: str(row.session_id))
    queued_at = factory.LazyFunction(timezone.now)
    turn_at = factory.SelfAttribute("queued_at")

    class Params:
        running = factory.Trait(
            status=Operation.Status.RUNNING,
            fence=1,
            attempts=1,
            run_attempts=1,
            waiting_reason="",
            lease_owner=factory.LazyFunction(uuid.uuid4),
            lease_expires_at=factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=30)),
            started_at=factory.LazyFunction(timezone.now),
        )
        completed = factory.Trait(
            status=Operation.Status.COMPLETED,
            fence=1,
            attempts=1,
            run_attempts=1,
            waiting_reason="",
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )
        failed = factory.Trait(
            status=Operation.Status.FAILED,
            fence=1,
            attempts=4,
            run_attempts=4,
            waiting_reason="",
            error_code="SERVER_ERROR",
            error_category=factory.LazyAttribute(lambda row: str(category_of(row.error_code))),
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )
        cancelled = factory.Trait(
            status=Operation.Status.CANCELLED,
            fence=1,
            waiting_reason="",
            finished_at=factory.LazyFunction(timezone.now),
        )


class AttemptFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Attempt

    operation = factory.SubFactory(OperationFactory, failed=True)
    number = factory.Sequence(lambda n: n + 1)
    run = 1
    fence = 1
    outcome = Attempt.Outcome.FAILED
    category = "server_error"
    error_code = "SERVER_ERROR"
    http_status = 500
    duration_ms = 120
    started_at = factory.LazyFunction(timezone.now)
    finished_at = factory.LazyFunction(timezone.now)

    class Params:
        running = factory.Trait(
            outcome=Attempt.Outcome.RUNNING,
            category="",
            error_code="",
            http_status=None,
            duration_ms=None,
            finished_at=None,
        )


class OperationEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OperationEvent

    operation = factory.SubFactory(OperationFactory)
    name = "operation.created"
    at = factory.LazyFunction(timezone.now)


class WorkerHeartbeatFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WorkerHeartbeat

    id = factory.LazyFunction(uuid.uuid4)
    supervisor = "test"
    hostname = "worker.example.org"
    pid = 4711
    started_at = factory.LazyFunction(timezone.now)
    beat_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=30))


class ProviderPauseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ProviderPause

    credential = "https://api.example.org/v1#0123456789ab"
    error_category = "authentication"
    error_code = "INVALID_API_KEY"
    paused_at = factory.LazyFunction(timezone.now)


class ProviderRateFactory(factory.django.DjangoModelFactory):
    """Work waits for it."""

    class Meta:
        model = ProviderRate

    credential = "https://api.example.org/v1#0123456789ab"
    requests_limit = 60.0
    starts_per_second = 0.9
    waits_until = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=30))
    learned_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
