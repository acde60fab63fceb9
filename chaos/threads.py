"""A thread of a campaign whose failure is not overlooked."""

from __future__ import annotations

import threading
import traceback

from django.db import connection


class CampaignThread(threading.Thread):
    """Works until `stop`; what it raised is kept for the verdict."""

    def __init__(self, name: str) -> None:
        super().__init__(name=f"chaos-{name}", daemon=True)
        self.ending = threading.Event()
        self.failure = ""

    def run(self) -> None:
        try:
            self.work()
        except Exception:  # the verdict must hear of it, whatever it was
            self.failure = traceback.format_exc()
        finally:
            connection.close()

    def work(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.ending.set()
        self.join()
