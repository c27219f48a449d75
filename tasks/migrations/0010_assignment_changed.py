"""Which transaction last changed an assignment: aggregation reads again only what changed."""

from django.db import migrations, models

import tasks.models.transaction_id

TRIGGER = """
    CREATE FUNCTION tasks_assignment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.changed := pg_current_xact_id();
      RETURN NEW;
    END $$;
    CREATE TRIGGER assignment_changed BEFORE UPDATE ON tasks_assignment FOR EACH ROW
      WHEN ((OLD.campaign_id, OLD.hit_id, OLD.worker_id, OLD.state, OLD.outcome, OLD.set_aside,
             OLD.submitted_at, OLD.sequence, OLD.shown, OLD.selected, OLD.maybe, OLD.unseen,
             OLD.answers, OLD.active_seconds, OLD.changed)
        IS DISTINCT FROM
            (NEW.campaign_id, NEW.hit_id, NEW.worker_id, NEW.state, NEW.outcome, NEW.set_aside,
             NEW.submitted_at, NEW.sequence, NEW.shown, NEW.selected, NEW.maybe, NEW.unseen,
             NEW.answers, NEW.active_seconds, NEW.changed))
      EXECUTE FUNCTION tasks_assignment_changed();
"""
NO_TRIGGER = """
    DROP TRIGGER assignment_changed ON tasks_assignment;
    DROP FUNCTION tasks_assignment_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0009_sync")]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="changed",
            field=tasks.models.transaction_id.TransactionField(
                db_default=tasks.models.transaction_id.CurrentTransaction(),
                editable=False,
                help_text=(
                    "Transaction that last changed what results are made of; a trigger sets it."
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["campaign", "changed"], name="assignment_changed"),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
