"""What is asked while a backlog waits, against its length: the supervisor's sweep (every two
seconds), `operations_health`, and the console's counts.

`python -m bench.backlog <rows>` runs like `bench.tables`. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

from django.contrib.auth import get_user_model

from bench.tables import OWNERS, fill, median_ms
from bench.work.jobs import settle_database
from operations.console import counts
from operations.console.health import health as health_of_work
from operations.engine import leases

COUNTS_REPEATS = 7


def main() -> None:
    rows = int(sys.argv[1])
    owners = [get_user_model().objects.create_user(f"owner{n}").pk for n in range(OWNERS)]
    fill(rows, owners, status="pending", ago=-timedelta(days=1))
    settle_database()
    print(json.dumps({"rows": rows, **measured()}))


def measured() -> dict[str, float]:
    return {
        "sweep_ms": median_ms(sweep),
        "health_ms": median_ms(health),
        "counts_ms": median_ms(state_counts, repeats=COUNTS_REPEATS),
    }


def sweep() -> None:
    if leases.sweep() != leases.SweepReport():
        raise SystemExit("a sweep found something to do")


def health() -> None:
    if not health_of_work().due.count:
        raise SystemExit("nothing is due")


def state_counts() -> None:
    counts.state_counts()


if __name__ == "__main__":
    main()
