"""What the last sync ran into; and flags of habits, one of a kind for each worker."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imagesets', '0009_label_translations'),
        ('tasks', '0034_label_results'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='flag',
            name='flag_kind',
        ),
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
        migrations.AlterField(
            model_name='flag',
            name='kind',
            field=models.CharField(choices=[('alike', 'agrees too well with somebody of the same network'), ('fast', 'answers come too fast from one network'), ('hand', "a machine's hand"), ('reports', 'reports many pictures that nobody else does'), ('yes', 'nearly all yes'), ('no', 'nothing selected'), ('line', 'always the first label'), ('pace', 'too fast')], max_length=7),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('troubled_at', None), ('troubles', [])), models.Q(models.Q(('troubles', []), _negated=True), ('troubled_at__isnull', False)), _connector='OR'), name='troubles_have_a_time'),
        ),
        migrations.AddConstraint(
            model_name='flag',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['alike', 'fast', 'hand', 'reports', 'yes', 'no', 'line', 'pace'])), name='flag_kind'),
        ),
        migrations.AddConstraint(
            model_name='flag',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ('yes', 'no', 'line', 'pace'))), fields=('campaign', 'worker', 'kind'), name='a_habit_is_flagged_once'),
        ),
    ]
