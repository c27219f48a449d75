from django.db import migrations, models
from django.db.models import Q

OBSTACLES = [
    ("", "none"),
    ("gone", "it no longer has the work"),
    ("left", "it no longer has the work, and somebody has said that nobody can pay it"),
]


class Migration(migrations.Migration):
    dependencies = [("tasks", "0039_prolific")]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="obstacle",
            field=models.CharField(
                blank=True, choices=OBSTACLES, db_default="", default="", max_length=4
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=Q(obstacle__in=["", "gone", "left"]), name="payment_obstacle"
            ),
        ),
    ]
