"""The secret that opens an assignment apart from its name in exports."""

from django.db import migrations, models

import imagesets.models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_marketplace_settings")]

    operations = [
        migrations.AddField(
            "assignment", "token", models.CharField(max_length=16, null=True, unique=True)
        ),
        migrations.RunSQL(
            "UPDATE tasks_assignment SET token = key WHERE NOT imported AND length(key) <= 16",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            "assignment",
            "token",
            models.CharField(
                blank=True,
                default=imagesets.models.new_public_id,
                help_text=(
                    "The secret by which its worker opens and answers it; an imported one has none."
                ),
                max_length=16,
                null=True,
                unique=True,
            ),
        ),
    ]
