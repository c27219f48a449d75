import tasks.models.campaign
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0028_consent'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='languages',
            field=models.JSONField(default=tasks.models.campaign.default_languages),
        ),
        migrations.AddField(
            model_name='campaignlabel',
            name='translations',
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
