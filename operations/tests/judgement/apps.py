import os

from django.apps import AppConfig

IDLE_LOOK_VARIABLE = "TEST_IDLE_LOOK_SECONDS"
"""A drain that hardly ever looks by itself does only what it is told by wake-ups."""


class JudgementConfig(AppConfig):
    """Registers the test kind in worker processes that a test starts."""

    name = "operations.tests.judgement"

    def ready(self) -> None:
        from operations.engine import drain
        from operations.kinds import register
        from operations.tests.judgement.kind import JudgementKind

        register(JudgementKind())
        if seconds := os.environ.get(IDLE_LOOK_VARIABLE):
            drain.IDLE_LOOK_SECONDS = float(seconds)
