import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


def since_when_and_by_whom(apps, schema_editor):
    """Roles given until now: from the last entry of the log that speaks of each."""
    RightsChange = apps.get_model("annotation", "RightsChange")
    for grant in apps.get_model("annotation", "Grant").objects.select_related("user"):
        log = RightsChange.objects.filter(
            whom=grant.user.username, campaign=grant.campaign_id, what__contains=f"{grant.role} of"
        ).exclude(what__startswith="is no longer")
        if last := log.order_by("id").last():
            grant.given_by, grant.given_at = last.who, last.at
            grant.save(update_fields=["given_by", "given_at"])


class Migration(migrations.Migration):

    dependencies = [
        ("tasks", "0028_consent"),
        ("annotation", "0002_login_policy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("token", "name", models.CharField(blank=True, help_text="What it is for.", max_length=100)),
        migrations.AddField("grant", "given_by", models.CharField(blank=True, editable=False, max_length=200)),
        migrations.AddField("grant", "given_at", models.DateTimeField(editable=False, help_text="As it is now.", null=True)),
        migrations.RunPython(since_when_and_by_whom, migrations.RunPython.noop),
        migrations.CreateModel(
            name="AccountLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(help_text="SHA-256 of the secret in its link, in hexadecimal.", max_length=64, unique=True)),
                ("role", models.CharField(blank=True, choices=[("viewer", "viewer: sees and exports"), ("reviewer", "reviewer: also accepts, rejects, sets aside"), ("researcher", "researcher: also imports, predicts, publishes, closes"), ("owner", "owner: also manages accounts and roles")], max_length=10)),
                ("note", models.CharField(blank=True, help_text="For whom: owners alone see it.", max_length=200)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("account", models.ForeignKey(blank=True, help_text="Whose password it sets. Empty: it gives a role.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name="password_links", to=settings.AUTH_USER_MODEL)),
                ("campaign", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tasks.campaign")),
                ("made_by", models.ForeignKey(blank=True, help_text="Empty: the site, by mail to the account itself.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("used_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "account link",
                "ordering": ["-id"],
                "constraints": [models.CheckConstraint(condition=models.Q(models.Q(("account", None), ("made_by__isnull", False), ("role__in", ["viewer", "reviewer", "researcher", "owner"])), models.Q(("account__isnull", False), ("campaign", None), ("role", "")), _connector="OR"), name="a_link_gives_a_role_or_a_password")],
            },
        ),
    ]
