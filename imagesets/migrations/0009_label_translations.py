from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imagesets', '0008_import_job_has_an_address'),
    ]

    operations = [
        migrations.AddField(
            model_name='label',
            name='translations',
            field=models.JSONField(blank=True, db_default={}, default=dict, help_text='By language code: {"de": {"names": [...], "definition": "..."}}.'),
        ),
    ]
