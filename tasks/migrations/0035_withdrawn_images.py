"""HITs whose images were all withdrawn; and answers to withdrawn images are read again."""

from django.db import migrations, models

# In the order of their ids, so that two withdrawals, or one and a review, cannot deadlock.
TRIGGER = """
    CREATE FUNCTION imagesets_image_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM FROM tasks_assignment a
      WHERE a.hit_id IN (SELECT i.hit_id FROM tasks_hititem i WHERE i.image_id = NEW.id)
      ORDER BY a.id FOR NO KEY UPDATE;
      UPDATE tasks_assignment a SET changed = pg_current_xact_id()
      WHERE a.hit_id IN (SELECT i.hit_id FROM tasks_hititem i WHERE i.image_id = NEW.id);
      RETURN NULL;
    END $$;
    CREATE TRIGGER image_withdrawn AFTER UPDATE OF withdrawn_at ON imagesets_image FOR EACH ROW
      WHEN ((OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL))
      EXECUTE FUNCTION imagesets_image_withdrawn();
"""
NO_TRIGGER = """
    DROP TRIGGER image_withdrawn ON imagesets_image;
    DROP FUNCTION imagesets_image_withdrawn();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("imagesets", "0010_withdrawn"),
        ("tasks", "0033_kept_studies"),
    ]

    operations = [
        migrations.AddField(
            model_name="hit",
            name="asks_nothing",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="All images that the study asks in it were withdrawn: nobody is given it.",
            ),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
