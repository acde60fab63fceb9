from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    """What waits belongs to the installation or to a person's own key; which key that is, the
    calling process says. Rows of older releases keep the label of their submission until a claim
    sets it: nobody reads it while they wait."""

    dependencies = [("operations", "0013_group_sees_providers")]

    operations = [
        migrations.AddField(
            model_name="workerheartbeat",
            name="credential",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Base URL and key fingerprint that it calls the installation's provider"
                " with.",
                max_length=100,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="operation",
            name="credential",
            field=models.CharField(
                blank=True,
                help_text="Base URL and key fingerprint of the newest run's calls, set by the"
                " claim.",
                max_length=100,
            ),
        ),
        migrations.RemoveIndex(model_name="operation", name="operation_due_by_credential"),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                "own_key",
                Coalesce("next_attempt_at", "queued_at"),
                "id",
                name="operation_due_by_key",
                condition=Q(status="pending"),
            ),
        ),
        migrations.AddField(
            model_name="providerpause",
            name="let_through",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Operations started in the ramp after a success resumed it; null: no"
                " ramp.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="providerpause",
            index=models.Index(fields=["resumed_at"], name="pause_resumed"),
        ),
    ]
