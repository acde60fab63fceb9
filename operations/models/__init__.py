"""The tables of the engine, by what they are about; all are imported from here."""

from operations.models.alerts import Alert
from operations.models.audit import ContentView, IdempotencyKey
from operations.models.bulk import BulkAction, BulkItem
from operations.models.ledger import (
    HAS_LONG_TEXT,
    HAS_SHORT_TEXT,
    Attempt,
    Door,
    OperationEvent,
)
from operations.models.limits import Limit
from operations.models.metrics import MetricDelta, MetricMinute, MetricTotal
from operations.models.operation import PROVIDER_PROBE, Operation
from operations.models.own_key import OwnKey
from operations.models.provider import (
    ProviderCapability,
    ProviderContact,
    ProviderPause,
    ProviderRate,
)
from operations.models.spending import CallEstimate, Spending
from operations.models.workers import WorkerHeartbeat, WorkerRestart

__all__ = [
    "HAS_LONG_TEXT",
    "HAS_SHORT_TEXT",
    "PROVIDER_PROBE",
    "Alert",
    "Attempt",
    "BulkAction",
    "BulkItem",
    "CallEstimate",
    "ContentView",
    "Door",
    "IdempotencyKey",
    "Limit",
    "MetricDelta",
    "MetricMinute",
    "MetricTotal",
    "Operation",
    "OperationEvent",
    "OwnKey",
    "ProviderCapability",
    "ProviderContact",
    "ProviderPause",
    "ProviderRate",
    "Spending",
    "WorkerHeartbeat",
    "WorkerRestart",
]
