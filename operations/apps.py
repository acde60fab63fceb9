from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from operations import (  # noqa: F401  (register receivers and checks)
            alerts,
            checks,
            queue_checks,
        )
