from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Each of these registers itself.
        from operations import checks, key_check, provider_probe  # noqa: F401
        from operations.database import trouble
        from operations.workers import alerts, queue_checks  # noqa: F401

        connection_created.connect(trouble.limit_lock_waits)
