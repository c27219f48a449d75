"""Results of pairs have the pair as their key: one index to write instead of three."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0011_results_of_runs")]

    operations = [
        migrations.RemoveField("pairresult", "id"),
        migrations.AlterField(
            "pairresult",
            "pair",
            models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="result",
                serialize=False,
                to="tasks.pair",
            ),
        ),
        migrations.AlterField(
            "pairresult",
            "run",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pair_results",
                to="tasks.run",
            ),
        ),
    ]
