"""Copies were kept by their whole path; by their path below DATA_DIR they survive its moving."""

from django.db import migrations, models

# A copy's name is its content's SHA-256, so that no other file of anybody's is taken for one.
RELATIVE = """
UPDATE imagesets_image
SET location = 'images/' || left(sha256, 2) || '/' || sha256
WHERE location LIKE '/%/images/' || left(sha256, 2) || '/' || sha256
"""


class Migration(migrations.Migration):
    dependencies = [("imagesets", "0004_pictures_in_bucket")]

    operations = [
        migrations.AlterField(
            model_name="image",
            name="location",
            field=models.TextField(
                help_text="A file's whole path, a copy's path below DATA_DIR, or an s3:// address."
            ),
        ),
        migrations.RunSQL(RELATIVE, migrations.RunSQL.noop),
    ]
