"""Lets a job be cancelled, or be given up for good."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("models_inference", "0005_classifier_weights_sha256")]

    operations = [
        migrations.AddField(
            model_name="inferencejob",
            name="stopped_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When it was cancelled, or a network never answered: no worker takes it up.",
                null=True,
            ),
        ),
    ]
