"""No job without an address: a full disk used to leave some, whose import was the server's folder."""

from django.db import migrations, models

NEVER_KEPT = """
    UPDATE imagesets_importjob
    SET images = '(never kept)',
        state = CASE WHEN state = 'done' THEN state ELSE 'failed' END,
        error = CASE WHEN state = 'done' THEN error ELSE 'Its files were never kept.' END
    WHERE images = ''
"""


class Migration(migrations.Migration):
    dependencies = [("imagesets", "0007_import_job_step_at")]

    operations = [
        migrations.RunSQL(NEVER_KEPT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="importjob",
            constraint=models.CheckConstraint(
                condition=models.Q(("images", ""), _negated=True),
                name="import_job_has_an_address",
            ),
        ),
    ]
