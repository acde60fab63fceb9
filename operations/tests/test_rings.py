"""Each supervisor rings its own cluster, and nobody else's."""

from __future__ import annotations

import pytest
from django_q.brokers import get_broker

from operations import dispatch

pytestmark = pytest.mark.django_db


def waiting() -> dict[str, int]:
    """How many rings, by queue: the last one is nobody's."""
    return {name: get_broker(name).queue_size() for name in ("north", "south", "interview")}


def test_ring_is_heard_by_one_supervisors_cluster_alone() -> None:
    for supervisor in ("north", "south"):
        assert dispatch.ring(supervisor=supervisor, slots=1)

    assert waiting() == {"north": 1, "south": 1, "interview": 0}


def test_supervisor_that_stops_takes_its_rings_along() -> None:
    for supervisor in ("north", "south"):
        dispatch.ring(supervisor=supervisor, slots=1)

    dispatch.forget_rings(supervisor="north")

    assert waiting() == {"north": 0, "south": 1, "interview": 0}
