"""What a page's script counted of the hand, and the flags that are made of that and of answers."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("tasks", "0018_invitations")]

    operations = [
        migrations.AddField(
            model_name="assignment",
            name="hand",
            field=models.JSONField(
                blank=True,
                help_text="What the page's script counted of the hand: events, choices, pace,"
                " spread.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="Flag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("alike", "agrees too well with somebody of the same network"),
                            ("fast", "answers come too fast from one network"),
                            ("hand", "a machine's hand"),
                        ],
                        max_length=5,
                    ),
                ),
                ("evidence", models.TextField()),
                ("at", models.DateTimeField(db_default=Now())),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
                        to="tasks.campaign",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
                        to="tasks.worker",
                    ),
                ),
                (
                    "assignment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
                        to="tasks.assignment",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["alike", "fast", "hand"])),
                        name="flag_kind",
                    )
                ],
            },
        ),
    ]
