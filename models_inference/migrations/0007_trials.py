import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imagesets', '0009_label_translations'),
        ('models_inference', '0006_job_stopped_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('architecture', models.CharField(blank=True, default='', max_length=200)),
                ('weights', models.TextField(blank=True, default='')),
                ('input', models.JSONField(blank=True, default=dict)),
                ('mapping', models.JSONField(blank=True, null=True)),
                ('file', models.TextField(blank=True, default='', help_text='Its predictions, in DATA_DIR.')),
                ('mapping_file', models.TextField(blank=True, default='', help_text="Of the file's classes.")),
                ('queued_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('begun_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('stopped_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True, default='')),
                ('said', models.JSONField(blank=True, null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='imagesets.dataset')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('architecture', ''), _negated=True), models.Q(('file', ''), _negated=True), _connector='OR'), name='a_trial_is_of_something')],
            },
        ),
    ]
