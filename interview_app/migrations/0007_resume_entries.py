from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("interview_app", "0006_follow_ups_and_public_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="resume",
            name="entries",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Found in the text or corrected: `outline.entry`.",
            ),
        ),
        migrations.AddField(
            model_name="interviewsession",
            name="resume_entries",
            field=models.JSONField(
                blank=True, default=list, help_text="Likewise: the résumé's entries."
            ),
        ),
    ]
