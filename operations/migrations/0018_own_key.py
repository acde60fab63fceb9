import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

GROUP = "Operators (read only)"


def let_group_see_that_there_are_keys(apps, schema_editor):
    """Permissions are usually made after all migrations: the group needs its own now."""
    config = apps.get_app_config("operations")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    view = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="operations", codename="view_ownkey"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name=GROUP):
        group.permissions.add(*view)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("operations", "0017_pause_of_a_kind"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnKey",
            fields=[
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="own_key",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "encrypted",
                    models.TextField(
                        editable=False,
                        help_text="Fernet, by FIELD_ENCRYPTION_KEY. Decrypted by who calls alone.",
                    ),
                ),
                (
                    "hint",
                    models.CharField(
                        help_text="Its last characters; of a short key none.", max_length=8
                    ),
                ),
                (
                    "base_url",
                    models.CharField(
                        blank=True,
                        help_text="One of OWN_KEY_BASE_URLS; empty: the installation's.",
                        max_length=200,
                    ),
                ),
                ("saved_at", models.DateTimeField()),
            ],
            options={"ordering": ("-saved_at",)},
        ),
        migrations.RunPython(let_group_see_that_there_are_keys, migrations.RunPython.noop),
    ]
