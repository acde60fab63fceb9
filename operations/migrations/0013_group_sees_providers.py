from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUP = "Operators (read only)"
CODENAMES = ("view_providercapability", "view_providercontact")


def let_group_see_providers(apps, schema_editor):
    """Permissions are usually made after all migrations: the group needs its own now."""
    config = apps.get_app_config("operations")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    view = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="operations", codename__in=CODENAMES
    )
    for group in apps.get_model("auth", "Group").objects.filter(name=GROUP):
        group.permissions.add(*view)


class Migration(migrations.Migration):
    dependencies = [("operations", "0012_provider_contact")]

    operations = [migrations.RunPython(let_group_see_providers, migrations.RunPython.noop)]
