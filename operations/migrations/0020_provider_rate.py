import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

GROUP = "Operators (read only)"


def let_group_see_rates(apps, schema_editor):
    """Permissions are usually made after all migrations: the group needs its own now."""
    config = apps.get_app_config("operations")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    view = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="operations", codename="view_providerrate"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name=GROUP):
        group.permissions.add(*view)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("operations", "0019_spending"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "credential",
                    models.CharField(
                        help_text="Base URL and key fingerprint.", max_length=100, unique=True
                    ),
                ),
                (
                    "requests_limit",
                    models.FloatField(blank=True, help_text="As the provider says.", null=True),
                ),
                (
                    "tokens_limit",
                    models.FloatField(blank=True, help_text="As the provider says.", null=True),
                ),
                (
                    "starts_per_second",
                    models.FloatField(
                        blank=True,
                        help_text="Of all workers together, as refusals have shown; grows while"
                        " there are none.",
                        null=True,
                    ),
                ),
                (
                    "held_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="No call starts before: the newest 429 said so.",
                        null=True,
                    ),
                ),
                (
                    "waits_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="Until then due work waits for the limit.",
                        null=True,
                    ),
                ),
                ("learned_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(help_text="Then it is forgotten.")),
                (
                    "own_key_owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Set where the key is a user's own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(let_group_see_rates, migrations.RunPython.noop),
    ]
