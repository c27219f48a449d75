from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prolific", "0001_studies")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="screen_outs_refused_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When Prolific refused fixed pay for the practice in this workspace.",
                null=True,
            ),
        ),
    ]
