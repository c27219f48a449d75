"""What accounts may do: roles, links that give them, scopes of tokens, login policy, the log."""

import hashlib
import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from knox.models import AuthToken

from tasks.models import Campaign


class Role(models.TextChoices):
    """What a person does; each role includes the ones before it."""

    VIEWER = "viewer", "viewer: sees and exports"
    REVIEWER = "reviewer", "reviewer: also accepts, rejects, sets aside"
    RESEARCHER = "researcher", "researcher: also imports, predicts, publishes, closes"
    OWNER = "owner", "owner: also manages accounts and roles"


class Scope(models.TextChoices):
    """What a token may be used for, if its user may."""

    READ = "read", "read"
    WRITE = "write", "write (includes read)"
    SPEND = "spend", "spend real money"
    RAW_WORKERS = "raw_workers", "read workers' own ids"


def all_scopes() -> list[str]:
    """The scopes of a token that is not narrowed."""
    return list(Scope.values)


class Grant(models.Model):
    """A user's role and permissions, for the whole site or for one campaign."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="With its dataset and its source. Empty: the whole site.",
    )
    spend = models.BooleanField(
        default=False, help_text="May spend real money: production, bonuses, raising a budget."
    )
    raw_workers = models.BooleanField(default=False, help_text="May read workers' own ids.")
    given_by = models.CharField(max_length=200, blank=True, editable=False)
    given_at = models.DateTimeField(null=True, editable=False, help_text="As it is now.")

    class Meta:
        ordering = ["user__username", "id"]
        verbose_name = "role"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "campaign"],
                nulls_distinct=False,
                name="one_grant_per_user_and_campaign",
                violation_error_message="They have a role there already: change that one.",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="grant_role"),
        ]

    def __str__(self) -> str:
        also = [name for name in ("spend", "raw_workers") if getattr(self, name)]
        where = f"of campaign {self.campaign}" if self.campaign_id else "of the whole site"
        return " and ".join([f"{self.role} {where}", *also])


class AccountLinkQuerySet(models.QuerySet["AccountLink"]):
    """Links with the one fact that depends on the clock, which is the database's."""

    def with_expiry(self) -> "AccountLinkQuerySet":
        """Each with `has_expired`."""
        over = models.ExpressionWrapper(Q(expires_at__lte=Now()), models.BooleanField())
        return self.annotate(has_expired=over)


class AccountLink(models.Model):
    """A link of one use: it gives a colleague a role, or an account a new password.

    The link's secret is not kept, only its hash: whoever reads the database opens no link.
    """

    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the secret in its link, in hexadecimal."
    )
    role = models.CharField(max_length=10, choices=Role.choices, blank=True)
    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="password_links",
        help_text="Whose password it sets. Empty: it gives a role.",
    )
    note = models.CharField(max_length=200, blank=True, help_text="For whom: owners alone see it.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: the site, by mail to the account itself.",
    )
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    objects = AccountLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "account link"
        constraints = [
            models.CheckConstraint(
                condition=Q(account=None, role__in=Role.values, made_by__isnull=False)
                | Q(account__isnull=False, role="", campaign=None),
                name="a_link_gives_a_role_or_a_password",
            ),
        ]

    def __str__(self) -> str:
        return f"account link {self.pk}"

    @staticmethod
    def new_secret() -> str:
        """A secret that nobody guesses: 192 bits."""
        return secrets.token_urlsafe(24)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()


class Token(models.Model):
    """What an API token may be used for; knox keeps the token itself, hashed."""

    name = models.CharField(max_length=100, blank=True, help_text="What it is for.")
    auth_token = models.OneToOneField(AuthToken, on_delete=models.CASCADE, related_name="token")
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), default=all_scopes)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.auth_token.token_key}... of {self.auth_token.user}"


class LoginPolicy(models.Model):
    """What the site asks of every login; its one row is made by a migration."""

    second_factor = models.BooleanField(
        "ask everybody for a second factor",
        default=False,
        help_text="A login without one then leads only to the pages that set one up.",
    )

    class Meta:
        verbose_name = "login policy"
        verbose_name_plural = "login policy"

    def __str__(self) -> str:
        return "a second factor is required" if self.second_factor else "passwords suffice"


class RightsChange(models.Model):
    """An entry of the log: who changed what somebody may do, and when."""

    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200)
    whom = models.CharField(max_length=200)
    what = models.TextField()
    campaign = models.ForeignKey(
        Campaign, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "change of rights"
        verbose_name_plural = "changes of rights"

    def __str__(self) -> str:
        return f"{self.whom}: {self.what}"
