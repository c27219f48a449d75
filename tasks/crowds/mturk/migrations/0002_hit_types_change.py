"""Which HIT type each MTurk HIT has, and what it was made of: a change of settings makes another."""

from django.db import migrations, models

# So far a campaign had one HIT type for each reward.
KNOWN = """
    UPDATE mturk_listing l SET hit_type = t.market_id
    FROM tasks_hit h JOIN mturk_hittype t ON t.campaign_id = h.campaign_id AND t.reward = h.reward
    WHERE h.id = l.hit_id AND l.market_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("mturk", "0001_listings"), ("tasks", "0032_practice")]

    operations = [
        migrations.AddField(
            model_name="hittype",
            name="fields",
            field=models.JSONField(
                db_default={}, default=dict, help_text="What CreateHITType was given for it."
            ),
        ),
        migrations.AddField(
            model_name="listing",
            name="hit_type",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The id of its HIT type.",
                max_length=64,
            ),
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
