from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imagesets', '0009_label_translations'),
        ('tasks', '0032_practice'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='troubled_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='troubles',
            field=models.JSONField(db_default=[], default=list, editable=False, help_text='What went wrong at the last sync, in sentences.'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('troubled_at', None), ('troubles', [])), models.Q(models.Q(('troubles', []), _negated=True), ('troubled_at__isnull', False)), _connector='OR'), name='troubles_have_a_time'),
        ),
    ]
