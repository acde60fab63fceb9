import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("interview_app", "0007_resume_entries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                ("person", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="preferences", serialize=False, to=settings.AUTH_USER_MODEL)),
                ("language", models.CharField(blank=True, choices=[("en", "English"), ("de", "Deutsch")], help_text="Empty: as the browser says.", max_length=2)),
            ],
            options={
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="Story",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("question", models.TextField(blank=True, max_length=1000)),
                ("text", models.TextField(blank=True, max_length=20000)),
                ("competency", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="stories", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name_plural": "stories",
                "ordering": ("-updated_at", "-id"),
                "indexes": [models.Index(fields=["owner", "-updated_at", "-id"], name="story_owner")],
                "constraints": [models.CheckConstraint(condition=models.Q(("question", ""), ("text", ""), _negated=True), name="story_holds_something")],
            },
        ),
    ]
