"""Review: rejection with feedback, the sample for a person, what the marketplace says; its log."""

import django.db.models.deletion
import imagesets.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0005_controls"),
    ]

    operations = [
        migrations.AddField(
            model_name='assignment',
            name='feedback',
            field=models.TextField(blank=True, default='', help_text='What the worker is told about a rejection.'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='for_person',
            field=models.BooleanField(default=False, help_text='Part of the sample that a person reviews (review_sample).'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='market_state',
            field=models.CharField(blank=True, default='', help_text='What the marketplace says became of it.', max_length=20),
        ),
        migrations.AddField(
            model_name='campaign',
            name='rejection',
            field=models.BooleanField(default=False, help_text='Whether review may reject: refuse to pay for careless work.'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='review_sample',
            field=models.PositiveIntegerField(blank=True, help_text='So many answers, the first ones, wait until a person has looked at them.', null=True),
        ),
        migrations.AddField(
            model_name='transition',
            name='assignment',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='transitions', to='tasks.assignment'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='key',
            field=models.CharField(default=imagesets.models.new_public_id, help_text='Its name in exports and imports.', max_length=200),
        ),
        migrations.AlterField(
            model_name='transition',
            name='subject',
            field=models.CharField(help_text='campaign, round, worker, assignment.', max_length=100),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('outcome', ''), ('state', 'submitted')), fields=['campaign', 'worker'], name='assignment_to_review'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('for_person', True)), fields=['campaign'], name='assignment_for_person'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['campaign', 'expires_at'], name='assignment_expiring'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'rejected'), _negated=True), models.Q(('feedback', ''), _negated=True), ('imported', True), _connector='OR'), name='a_rejection_says_why'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', ''), ('submitted_at__isnull', False), _connector='OR'), name='only_an_answer_is_reviewed'),
        ),
    ]
