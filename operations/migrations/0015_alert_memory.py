from django.contrib.auth.management import create_permissions
from django.db import migrations, models
from django.db.models import F
from django.utils import timezone


def close_alerts_of_before(apps, schema_editor):
    """They were single messages. Whoever was told stays told; what still is wrong opens anew."""
    alerts = apps.get_model("operations", "Alert").objects
    alerts.update(seen_at=F("opened_at"), resolved_at=timezone.now())
    alerts.exclude(told_at=None).update(times_told=1, resolved_told_at=timezone.now())


GROUP = "Operators (read only)"


def let_group_see_alerts(apps, schema_editor):
    """Permissions are usually made after all migrations: the group needs its own now."""
    config = apps.get_app_config("operations")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    view = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="operations", codename="view_alert"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name=GROUP):
        group.permissions.add(*view)


class Migration(migrations.Migration):
    dependencies = [("operations", "0014_key_of_the_worker")]

    operations = [
        migrations.RemoveConstraint("alert", "alert_once_an_hour"),
        migrations.RemoveField("alert", "hour"),
        migrations.RemoveField("alert", "error_category"),
        migrations.RenameField("alert", "credential", "subject"),
        migrations.RenameField("alert", "error_code", "condition"),
        migrations.RenameField("alert", "created_at", "opened_at"),
        migrations.RenameField("alert", "sent_at", "told_at"),
        migrations.AlterField(
            "alert",
            "subject",
            models.CharField(
                blank=True,
                help_text="A credential, category or channel; empty: all.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            "alert",
            "condition",
            models.CharField(
                help_text="An error code, or a name of `operations.console.conditions`.",
                max_length=40,
            ),
        ),
        migrations.AlterField(
            "alert",
            "operation_id",
            models.UUIDField(blank=True, help_text="The first one that met it.", null=True),
        ),
        migrations.AlterField("alert", "opened_at", models.DateTimeField()),
        migrations.AddField(
            "alert",
            "text",
            models.TextField(
                blank=True, default="", help_text="Codes and numbers, as of the last look."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "alert",
            "seen_at",
            models.DateTimeField(
                default=timezone.now, help_text="When it held for the last time."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "alert",
            "next_at",
            models.DateTimeField(blank=True, help_text="When to tell (again).", null=True),
        ),
        migrations.AddField("alert", "tried_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "alert",
            "failures",
            models.PositiveSmallIntegerField(
                default=0, help_text="Deliveries in a row that reached nobody."
            ),
        ),
        migrations.AddField(
            "alert",
            "failed_to",
            models.CharField(
                blank=True,
                default="",
                help_text="Channels that the last delivery did not reach.",
                max_length=60,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "alert",
            "told_to",
            models.CharField(
                blank=True, default="", help_text="Channels, of the last time.", max_length=60
            ),
            preserve_default=False,
        ),
        migrations.AddField("alert", "times_told", models.PositiveIntegerField(default=0)),
        migrations.AddField("alert", "resolved_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "alert", "resolved_told_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.RunPython(close_alerts_of_before, migrations.RunPython.noop),
        migrations.AddConstraint(
            "alert",
            models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=("condition", "subject"),
                name="alert_one_open",
            ),
        ),
        migrations.AddIndex(
            "alert", models.Index(fields=["subject", "condition"], name="alert_subject")
        ),
        migrations.AddIndex("alert", models.Index(fields=["tried_at"], name="alert_tried")),
        migrations.CreateModel(
            name="MetricMinute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField(help_text="Its begin.")),
                (
                    "name",
                    models.CharField(
                        help_text="A counter of `operations.metrics`.", max_length=60
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        help_text="An operation's status, a call's outcome.", max_length=10
                    ),
                ),
                ("category", models.CharField(blank=True, max_length=20)),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "minute", "outcome", "category"),
                        name="metric_minute_once",
                    )
                ],
            },
        ),
        migrations.RunPython(let_group_see_alerts, migrations.RunPython.noop),
    ]
