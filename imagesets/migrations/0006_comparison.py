"""What an import finds to be there twice is kept beside the dataset."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imagesets", "0005_copies_below_data_dir")]

    operations = [
        migrations.CreateModel(
            name="Comparison",
            fields=[
                (
                    "dataset",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="comparison",
                        serialize=False,
                        to="imagesets.dataset",
                    ),
                ),
                ("images", models.PositiveIntegerField(help_text="How many there were.")),
                ("identical", models.JSONField()),
                ("alike", models.JSONField()),
            ],
        ),
    ]
