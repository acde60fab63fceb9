from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    dependencies = [("operations", "0008_limits")]

    operations = [
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                "credential",
                Coalesce("next_attempt_at", "queued_at"),
                "id",
                name="operation_due_by_credential",
                condition=Q(status="pending"),
            ),
        ),
    ]
