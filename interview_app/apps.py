from django.apps import AppConfig


class InterviewAppConfig(AppConfig):
    name = "interview_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from interview_app import kinds  # noqa: F401  (registers the AI calls)
