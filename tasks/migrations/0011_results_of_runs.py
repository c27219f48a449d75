"""A run tells its agreement, its notes and its snapshot; results of pairs are written faster."""

import django.db.models.deletion
from django.db import migrations, models

import tasks.models.transaction_id


class Migration(migrations.Migration):
    dependencies = [("tasks", "0010_assignment_changed")]

    operations = [
        migrations.AddField("run", "agreement", models.JSONField(blank=True, null=True)),
        migrations.AddField("run", "notes", models.JSONField(blank=True, default=list)),
        migrations.AddField(
            "run",
            "watermark",
            tasks.models.transaction_id.TransactionField(
                editable=False,
                help_text="The oldest transaction that its snapshot might not have seen.",
                null=True,
            ),
        ),
        migrations.AlterField(
            "pairresult",
            "pair",
            models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="result",
                to="tasks.pair",
            ),
        ),
        migrations.AlterField(
            "pairresult",
            "run",
            models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pair_results",
                to="tasks.run",
            ),
        ),
    ]
