"""What Prometheus scrapes: the totals, and how things stand at this moment.

The totals are rows that grow with the transitions themselves, so any process of any machine answers
with the same figures, and a restart lowers none. Nothing is kept between two scrapes: an older copy
in one of several processes would look like a counter that was set back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from django.db.models import Count
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from operations import metrics
from operations.console.health import health
from operations.database import paused
from operations.kinds import all_kinds
from operations.models import Operation

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    metrics.OPERATIONS: (
        "Operations that came to an end.",
        ("kind", "status", "category"),
    ),
    metrics.ATTEMPTS: (
        "Calls to the provider that ended.",
        ("kind", "outcome", "category"),
    ),
    metrics.PAID_TWICE: (
        "Calls that may have been billed although their answer was not used.",
        (),
    ),
}
HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    metrics.OPERATION_DURATION: ("From queued to its end, waits included.", ("kind",)),
    metrics.REQUEST_DURATION: ("Of one call to the provider.", ("kind",)),
}

Totals = Mapping[str, Mapping[int, metrics.Sample]]
"""Of one name, by its labels as JSON and by bucket."""


def expose(accept: str) -> tuple[bytes, str]:
    """The scrape and its content type: OpenMetrics where `accept` asks for it. Eight queries."""
    encode: Callable[[CollectorRegistry], bytes]
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Installation())
    return encode(registry), content_type


class _Installation(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from _counted()
        yield from _present()


def _counted() -> Iterator[Metric]:
    totals: dict[str, dict[str, dict[int, metrics.Sample]]] = defaultdict(lambda: defaultdict(dict))
    none = dict.fromkeys(metrics.possible(each.name for each in all_kinds()), metrics.NONE)
    for (name, labels, bucket), sample in (none | metrics.snapshot()).items():
        totals[name][labels][bucket] = sample
    for name, (words, of) in COUNTERS.items():
        yield _counter(name, words, of, totals[name])
    for name, (words, of) in HISTOGRAMS.items():
        yield _histogram(name, words, of, totals[name])


def _counter(name: str, words: str, labels: tuple[str, ...], totals: Totals) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for said, samples in totals.items():
        family.add_metric(_values(said, labels), samples[metrics.COUNTER].count)
    return family


def _histogram(name: str, words: str, labels: tuple[str, ...], totals: Totals) -> Metric:
    family = HistogramMetricFamily(name, words, labels=labels)
    bounds = [*map(str, metrics.BUCKETS), "+Inf"]
    for said, samples in totals.items():
        counts = [samples.get(bucket, metrics.NONE).count for bucket in range(len(bounds))]
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        family.add_metric(
            _values(said, labels), buckets, sum(each.total for each in samples.values())
        )
    return family


def _values(said: str, labels: tuple[str, ...]) -> list[str]:
    by_name = json.loads(said)
    return [by_name[label] for label in labels]


def _present() -> Iterator[Metric]:
    now = health()
    pending = Operation.objects.filter(status=Operation.Status.PENDING).count()
    yield GaugeMetricFamily("operations_pending", "Operations that wait.", pending)
    yield GaugeMetricFamily("operations_in_flight", "Calls under way.", now.in_flight)
    yield GaugeMetricFamily(
        "operations_oldest_pending_seconds",
        "How long the oldest could have been claimed and was not; 0 while nothing is late.",
        now.due.oldest_seconds,
    )
    yield GaugeMetricFamily("operations_workers", "Worker processes that beat.", now.workers)
    rate = GaugeMetricFamily(
        "provider_starts_per_second",
        "How fast calls may begin with the installation's key, as refusals have shown.",
    )
    if now.starts_per_second is not None:
        rate.add_metric((), now.starts_per_second)
    yield rate
    gauge = GaugeMetricFamily(
        "provider_paused",
        "Credentials of the installation that are paused, by why.",
        labels=("reason",),
    )
    pauses = paused.OPEN.filter(own_key_owner=None).order_by()
    for reason, count in pauses.values_list("error_code").annotate(n=Count("pk")):
        gauge.add_metric((reason,), count)
    yield gauge
