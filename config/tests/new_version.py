"""A version after this one, put over a copy of the tree: new code, and migrations that only add.

They have the shapes that such migrations have here: a column that may stay empty, one that may not
and has a default in the database, a table, an index. The code uses all of it.
"""

from __future__ import annotations

from pathlib import Path

CODE = """

from django.db.models.signals import post_save
from django.dispatch import receiver

Answer.add_to_class("version", models.TextField(null=True, default="new"))
Answer.add_to_class("times_read", models.IntegerField(default=1, db_default=0))


class Reading(models.Model):
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="reading")


@receiver(post_save, sender=Answer)
def read(instance, created, **_):
    if created:
        Reading.objects.create(answer=instance)
"""
ADDITIONS = """
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("interview_app", "{newest}")]

    operations = [
        migrations.AddField("answer", "version", models.TextField(null=True)),
        migrations.AddField("answer", "times_read", models.IntegerField(default=1, db_default=0)),
        migrations.CreateModel(
            "Reading",
            [
                ("id", models.BigAutoField(primary_key=True)),
                (
                    "answer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reading",
                        to="interview_app.answer",
                    ),
                ),
            ],
        ),
    ]
"""
INDEX = """
from django.db import migrations, models
from operations.database.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("interview_app", "9998_additions")]

    operations = [
        AddIndexOnline("answer", models.Index(fields=["version"], name="answer_version")),
    ]
"""


def put_over(place: Path) -> None:
    migrations = place / "interview_app" / "migrations"
    newest = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9998_additions.py").write_text(ADDITIONS.format(newest=newest))
    (migrations / "9999_index.py").write_text(INDEX)
    with (place / "interview_app" / "models.py").open("a", encoding="utf-8") as code:
        code.write(CODE)
