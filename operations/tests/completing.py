"""One operation completed as the engine completes a group of them."""

from __future__ import annotations

from datetime import datetime

from operations.engine.transitions import Completion, complete_all
from operations.errors import Usage
from operations.models import Operation


def complete(operation: Operation, *, fence: int, at: datetime, usage: Usage) -> bool:
    return bool(complete_all([Completion(operation, fence, usage, simulated=False)], at=at))
