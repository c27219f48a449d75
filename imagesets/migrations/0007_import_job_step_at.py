"""When an import's step began, so that its page can say how fast it goes and how long it takes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imagesets", "0006_comparison")]

    operations = [
        migrations.AddField(
            model_name="importjob",
            name="step_at",
            field=models.DateTimeField(blank=True, help_text="When its step began.", null=True),
        ),
    ]
