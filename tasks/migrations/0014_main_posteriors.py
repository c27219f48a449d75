"""An image's result tells how probable each main label is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0013_fewer_indexes")]

    operations = [
        migrations.AddField(
            "imageresult",
            "main_posteriors",
            models.JSONField(
                blank=True,
                help_text=(
                    "Probability of each label that somebody named main, by one-coin Dawid-Skene"
                    " over the image's candidates; the others share the rest equally."
                ),
                null=True,
            ),
        ),
    ]
