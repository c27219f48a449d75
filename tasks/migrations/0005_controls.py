"""Controls: known answers, which items are weak controls, and the setting."""

import django.db.models.deletion
import tasks.models.campaign
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('imagesets', '0003_import_job'),
        ("tasks", "0004_assignment_token"),
    ]

    operations = [
        migrations.CreateModel(
            name='KnownAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('present', models.BooleanField()),
                ('imported_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='controls',
            field=models.JSONField(blank=True, default=tasks.models.campaign.default_controls),
        ),
        migrations.AddField(
            model_name='hititem',
            name='weak',
            field=models.BooleanField(default=False, help_text='A control whose answer was inferred, not settled: rejects nobody by itself.'),
        ),
        migrations.AddConstraint(
            model_name='hititem',
            constraint=models.CheckConstraint(condition=models.Q(('weak', False), ('role', 'control'), _connector='OR'), name='only_a_control_is_weak'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='dataset',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='known_answers', to='imagesets.dataset'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='image',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='imagesets.image'),
        ),
        migrations.AddField(
            model_name='knownanswer',
            name='label',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='imagesets.label'),
        ),
        migrations.AddConstraint(
            model_name='knownanswer',
            constraint=models.UniqueConstraint(fields=('image', 'label'), name='one_known_answer_per_pair'),
        ),
    ]
