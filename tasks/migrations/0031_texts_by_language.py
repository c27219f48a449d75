import tasks.models.campaign
import tasks.models.spoken
from django.db import migrations, models

TEXTS = {
    'title': {'blank': True, 'default': '', 'max_length': 128},
    'description': {'blank': True, 'default': ''},
    'instructions': {'blank': True, 'default': ''},
    'contact': {'blank': True, 'default': None, 'max_length': 500, 'null': True},
    'content_warning': {'blank': True, 'default': None, 'max_length': 2000, 'null': True},
    'consent': {'blank': True, 'default': None, 'max_length': 50000, 'null': True},
}


def _all_texts(change):
    changes = ', '.join(f'ALTER COLUMN {name} TYPE {change.format(name)}' for name in TEXTS)
    return f'ALTER TABLE tasks_campaign {changes}'


class Migration(migrations.Migration):
    """Texts that may be given by language."""

    dependencies = [
        ('tasks', '0030_picture_reports'),
    ]

    operations = [
        migrations.AlterField(
            model_name='campaign',
            name='languages',
            field=models.JSONField(blank=True, default=tasks.models.campaign.default_languages),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    _all_texts('jsonb USING to_jsonb({0})'),
                    _all_texts("text USING {0} #>> '{{}}'"),
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='campaign',
                    name=name,
                    field=tasks.models.spoken.SpokenText(**options),
                )
                for name, options in TEXTS.items()
            ],
        ),
    ]
