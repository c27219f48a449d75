"""Answers to a HIT are read again where its items change: a control whose answer is corrected."""

from django.db import migrations

TRIGGER = """
    CREATE FUNCTION tasks_hititem_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE tasks_assignment SET changed = pg_current_xact_id()
      WHERE hit_id IN (
        SELECT h.hit_id
        FROM new_items n JOIN old_items o ON o.id = n.id
        CROSS JOIN LATERAL (VALUES (n.hit_id), (o.hit_id)) AS h (hit_id)
        WHERE (n.hit_id, n.position, n.image_id, n.label_id, n.pair_id, n.role, n.known)
          IS DISTINCT FROM
              (o.hit_id, o.position, o.image_id, o.label_id, o.pair_id, o.role, o.known));
      RETURN NULL;
    END $$;
    CREATE TRIGGER items_changed AFTER UPDATE ON tasks_hititem
      REFERENCING OLD TABLE AS old_items NEW TABLE AS new_items
      FOR EACH STATEMENT EXECUTE FUNCTION tasks_hititem_changed();
"""
NO_TRIGGER = """
    DROP TRIGGER items_changed ON tasks_hititem;
    DROP FUNCTION tasks_hititem_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0014_main_posteriors")]

    operations = [migrations.RunSQL(TRIGGER, NO_TRIGGER)]
