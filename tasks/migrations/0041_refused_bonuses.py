from django.db import migrations, models
from django.db.models import Q

OBSTACLES = [
    ("", "none"),
    ("gone", "it no longer has the work"),
    ("no", "it refuses to pay it"),
    ("left", "somebody has said that nobody can pay it"),
]


class Migration(migrations.Migration):
    dependencies = [("tasks", "0040_payment_obstacle")]

    operations = [
        migrations.AlterField(
            model_name="payment",
            name="obstacle",
            field=models.CharField(
                blank=True, choices=OBSTACLES, db_default="", default="", max_length=4
            ),
        ),
        migrations.RemoveConstraint(model_name="payment", name="payment_obstacle"),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=Q(obstacle__in=["", "gone", "no", "left"]), name="payment_obstacle"
            ),
        ),
    ]
