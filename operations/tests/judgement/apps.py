from django.apps import AppConfig


class JudgementConfig(AppConfig):
    """Registers the test kind in worker processes that a test starts."""

    name = "operations.tests.judgement"

    def ready(self) -> None:
        from operations.kinds import register
        from operations.tests.judgement.kind import JudgementKind

        register(JudgementKind())
