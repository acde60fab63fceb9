"""Each supervisor rings its own cluster, and nobody else's."""

from __future__ import annotations

import pytest
from django_q.models import OrmQ

from operations import dispatch

pytestmark = pytest.mark.django_db


def test_ring_is_heard_by_one_supervisors_cluster_alone() -> None:
    for supervisor in ("north", "south"):
        assert dispatch.ring(supervisor=supervisor, slots=1)

    assert sorted(OrmQ.objects.values_list("key", flat=True)) == ["north", "south"]


def test_supervisor_that_stops_takes_its_rings_along() -> None:
    for supervisor in ("north", "south"):
        dispatch.ring(supervisor=supervisor, slots=1)

    dispatch.forget_rings(supervisor="north")

    assert list(OrmQ.objects.values_list("key", flat=True)) == ["south"]
