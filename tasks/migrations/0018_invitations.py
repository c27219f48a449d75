"""Invitations, who came by them and from where; campaigns that are published stay open to anyone."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

AS_BEFORE = "UPDATE tasks_campaign SET open = 'anyone' WHERE state <> 'draft' AND crowd = 'local'"


class Migration(migrations.Migration):
    dependencies = [("tasks", "0017_settings_are_declared")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="open",
            field=models.CharField(
                choices=[
                    ("invited", "people with an invitation"),
                    ("anyone", "anyone with its address"),
                ],
                default="invited",
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("open__in", ["invited", "anyone"])), name="campaign_open_to"
            ),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the secret in its link, in hexadecimal.",
                        max_length=64,
                        unique=True,
                    ),
                ),
                (
                    "uses",
                    models.PositiveIntegerField(default=1, help_text="How many workers it lets in."),
                ),
                (
                    "used",
                    models.PositiveIntegerField(
                        default=0, help_text="How many have begun with it."
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("made_by", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField(db_default=Now())),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="tasks.campaign",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whom a link of one use names.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="tasks.worker",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("uses__gte", 1), ("used__lte", models.F("uses"))),
                        name="invitation_used_of_uses",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("worker", None), ("uses", 1), _connector="OR"),
                        name="only_one_use_names_a_worker",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        blank=True,
                        help_text="The IPv4 address or IPv6 /64 of the last Begin.",
                        max_length=43,
                    ),
                ),
                (
                    "is_visitor",
                    models.BooleanField(
                        default=False,
                        help_text="Counts in the limits of its network: uninvited, nothing used"
                        " yet.",
                    ),
                ),
                ("at", models.DateTimeField(db_default=Now())),
                (
                    "begun_at",
                    models.DateTimeField(db_default=Now(), help_text="When they last began."),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arrivals",
                        to="tasks.campaign",
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arrivals",
                        to="tasks.worker",
                    ),
                ),
                (
                    "invitation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="arrivals",
                        to="tasks.invitation",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "worker"), name="one_arrival_per_campaign"
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_visitor", True)),
                        fields=["network", "begun_at"],
                        name="arrival_of_visitors",
                    )
                ],
            },
        ),
        migrations.RunSQL(AS_BEFORE, migrations.RunSQL.noop),
    ]
