"""Remembers the budget that somebody typed before a campaign spent real money."""

from django.db import migrations, models

# Campaigns published as production: their budget was typed then.
TYPED = """
    UPDATE tasks_campaign SET confirmed_budget = budget
    WHERE NOT sandbox AND crowd <> 'local' AND state <> 'draft'
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0021_times_of_the_database")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="confirmed_budget",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                editable=False,
                help_text="The whole budget, typed by whoever let the campaign spend real money.",
                max_digits=12,
                null=True,
            ),
        ),
        migrations.RunSQL(TYPED, migrations.RunSQL.noop),
    ]
