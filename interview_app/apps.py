from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InterviewAppConfig(AppConfig):
    name = "interview_app"
    verbose_name = _("Interview practice")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from interview_app import kinds, retention  # noqa: F401  (registers the AI calls)
        from operations.upkeep import add_task

        add_task(retention.delete_old, interval_seconds=retention.INTERVAL_SECONDS)
