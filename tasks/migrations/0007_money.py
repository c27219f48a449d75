"""Money: wage, reward, budget, and the ledger."""

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0006_review"),
    ]

    operations = [
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('base', 'base pay'), ('bonus', 'bonus'), ('fee', "the marketplace's fee")], max_length=5)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=12)),
                ('reason', models.TextField()),
                ('request_key', models.CharField(max_length=64, unique=True)),
                ('state', models.CharField(choices=[('due', 'due'), ('paid', 'paid')], default='due', max_length=4)),
                ('market_ref', models.CharField(blank=True, default='', help_text="The marketplace's name of it.", max_length=200)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('paid_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='campaign',
            name='budget',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='US dollars that the campaign never spends more than, fees included.', max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0.01'))]),
        ),
        migrations.AddField(
            model_name='campaign',
            name='out_of_money',
            field=models.BooleanField(default=False, help_text='The budget carries no further round.'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='reward',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='US dollars for one HIT, whatever its size; empty: from the wage.', max_digits=7, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AddField(
            model_name='campaign',
            name='wage',
            field=models.DecimalField(decimal_places=2, default=Decimal('15.00'), help_text='US dollars an hour, from which rewards follow.', max_digits=7, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AddField(
            model_name='hit',
            name='reward',
            field=models.DecimalField(decimal_places=2, default=Decimal('0'), help_text='US dollars for one answer.', max_digits=7),
        ),
        migrations.AddField(
            model_name='payment',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='payments', to='tasks.assignment'),
        ),
        migrations.AddField(
            model_name='payment',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='payments', to='tasks.campaign'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['campaign', 'state'], name='payment_of_campaign'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['base', 'bonus', 'fee'])), name='payment_kind'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['due', 'paid'])), name='payment_state'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', Decimal('0'))), name='payment_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'base')), fields=('assignment',), name='an_answer_is_paid_once'),
        ),
    ]
