from django.db import migrations, models
from django.db.models import F, Q
from django.utils import timezone


def take_turns_by_queue(apps, schema_editor):
    apps.get_model("operations", "Operation").objects.update(turn_at=F("queued_at"))


class Migration(migrations.Migration):
    dependencies = [("operations", "0005_error_texts")]

    operations = [
        migrations.AddField(
            model_name="operation",
            name="turn_at",
            field=models.DateTimeField(
                default=timezone.now,
                help_text="Claims go by this: queued, or later behind its owner's others of this kind.",
            ),
        ),
        migrations.RunPython(take_turns_by_queue, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="operation", name="operation_due"),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["turn_at", "id"], name="operation_due", condition=Q(status="pending")
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["queued_at"], name="operation_waiting", condition=Q(status="pending")
            ),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                fields=["owner", "kind", "-turn_at"],
                name="operation_turns",
                condition=Q(status="pending"),
            ),
        ),
    ]
