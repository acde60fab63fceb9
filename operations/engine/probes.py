"""When a paused credential is tried again, and by what: an operation of its own, which costs nobody
theirs. Its success resumes the credential; its failure changes nothing but when the next one goes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from operations import events, pauses
from operations.credentials import installation_label
from operations.database import paused
from operations.database.batch_sql import insert_instances
from operations.models import PROVIDER_PROBE, Door, Operation, ProviderPause
from operations.provider_probe import SUBJECT

SHORTEST_INTERVAL = timedelta(seconds=60)
LONGEST_INTERVAL = timedelta(minutes=10)

OF_OWN_KEY = Q(own_key_owner__isnull=False)
_WAITING = Operation.objects.filter(
    owner=OuterRef("own_key_owner"), own_key=True, status=Operation.Status.PENDING
)

FIRST_IN_LINE = timedelta(days=365)
"""A probe's turn comes before that of all who wait for its outcome."""


def send_due(*, at: datetime) -> int:
    """Submit a probe for each paused credential whose time has come; what an operator paused is
    theirs to resume. Returns how many. The installation's key is probed by those who have it, a
    person's own while something of theirs waits: each probe is theirs to pay."""
    mine = Q(credential=installation_label()) | (OF_OWN_KEY & Exists(_WAITING))
    everything = Q(credential="", kind="")
    found = list(paused.OPEN.filter(mine | everything))
    if any(not pause.credential for pause in found):
        return 0  # a probe would wait, too
    failing = [pause for pause in found if pause.error_code != pauses.BY_HAND]
    due = [pause for pause in failing if at >= _next_at(pause)]
    return sum(submit_probe(pause, at=at, door=Door.SWEEP)[1] for pause in due)


def _next_at(pause: ProviderPause) -> datetime:
    """As long again as it has been paused until the last probe: after 1, 2, 4, 8, 16 minutes, then
    every ten."""
    last = pause.probed_at or pause.paused_at
    return last + min(max(last - pause.paused_at, SHORTEST_INTERVAL), LONGEST_INTERVAL)


def submit_probe(pause: ProviderPause, *, at: datetime, door: str) -> tuple[Operation, bool]:
    """The probe of this pause, and whether it is new: at most one is under way."""
    probe = Operation(
        kind=PROVIDER_PROBE,
        subject_type=SUBJECT,
        subject_id=str(pause.pk),
        owner=pause.own_key_owner,
        own_key=pause.own_key_owner is not None,
        is_probe=True,
        queued_at=at,
        turn_at=at - FIRST_IN_LINE,
    )
    with transaction.atomic():
        ProviderPause.objects.filter(pk=pause.pk).update(probed_at=at)
        try:
            with transaction.atomic():
                insert_instances([probe])
        except IntegrityError:
            return _under_way(pause), False
        events.record(events.CREATED, probe, at=at, to_status=probe.status, door=door)
        fields = events.operation_fields(probe)
        events.log_after_commit(events.PROVIDER_PROBED, credential=pause.credential, **fields)
    return probe, True


def _under_way(pause: ProviderPause) -> Operation:
    probes = Operation.objects.filter(
        kind=PROVIDER_PROBE, subject_type=SUBJECT, subject_id=str(pause.pk)
    )
    return probes.latest("created_at")
