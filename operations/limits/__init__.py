"""How often somebody may try: one limiter for every door, shared by all processes.

`rules` is the table, `buckets` counts in the database (in this process's memory while that fails),
`limiter` has the verbs that doors call. What is counted is a keyed digest: no row and no log line
holds a name or an address. API_THROTTLES=false lets everything pass.
"""

from __future__ import annotations

from operations.limits.limiter import (
    SHOWN_DIGITS,
    clear,
    give_back,
    is_remembered,
    prune,
    remember,
    reserve,
    wait_of,
    waits_of,
)
from operations.limits.rules import RULES, Bucket, Rule, bucket

__all__ = [
    "RULES",
    "SHOWN_DIGITS",
    "Bucket",
    "Rule",
    "bucket",
    "clear",
    "give_back",
    "is_remembered",
    "prune",
    "remember",
    "reserve",
    "wait_of",
    "waits_of",
]
