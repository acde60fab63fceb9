from django.apps import AppConfig


class WorkConfig(AppConfig):
    """The tables and the kind that the bench measures with."""

    name = "bench.work"
    label = "bench_work"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bench.work.kind import BenchFeedback
        from operations.kinds import register

        register(BenchFeedback())
