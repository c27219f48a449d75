"""Invitations to a campaign, and who came to it, by which of them and from where (rules V1, V2)."""

import hashlib
import secrets

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tasks.models.campaign import Campaign
from tasks.models.worker import Worker


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations with the one fact that depends on the clock, which is the database's."""

    def with_expiry(self) -> "InvitationQuerySet":
        """Each with `has_expired`."""
        over = Q(expires_at__isnull=False) & Q(expires_at__lte=Now())
        return self.annotate(
            has_expired=models.ExpressionWrapper(over, output_field=models.BooleanField())
        )


class Invitation(models.Model):
    """A link that lets people in: one worker, whoever they are, or up to `uses` new ones.

    The link's secret is not kept, only its hash: whoever reads the database opens no link.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the secret in its link, in hexadecimal."
    )
    uses = models.PositiveIntegerField(default=1, help_text="How many workers it lets in.")
    used = models.PositiveIntegerField(default=0, help_text="How many have begun with it.")
    worker = models.ForeignKey(
        Worker,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations",
        help_text="Whom a link of one use names.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(db_default=Now())

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(uses__gte=1) & Q(used__lte=F("uses")), name="invitation_used_of_uses"
            ),
            models.CheckConstraint(
                condition=Q(worker=None) | Q(uses=1), name="only_one_use_names_a_worker"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @staticmethod
    def new_secret() -> str:
        """A secret that nobody guesses: 128 bits."""
        return secrets.token_urlsafe(16)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()


class Arrival(models.Model):
    """That a worker has begun in a campaign: by which invitation, if any, from where, and when.

    The network can be erased: nothing but the limits and flags of rules V3 and V4 is made of it.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="arrivals", db_index=False
    )
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="arrivals")
    invitation = models.ForeignKey(
        Invitation, on_delete=models.RESTRICT, null=True, blank=True, related_name="arrivals"
    )
    network = models.CharField(
        max_length=43, blank=True, help_text="The IPv4 address or IPv6 /64 of the last Begin."
    )
    is_visitor = models.BooleanField(
        default=False, help_text="Counts in the limits of its network: uninvited, nothing used yet."
    )
    at = models.DateTimeField(db_default=Now())
    begun_at = models.DateTimeField(db_default=Now(), help_text="When they last began.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "worker"], name="one_arrival_per_campaign")
        ]
        indexes = [
            models.Index(
                fields=["network", "begun_at"],
                condition=Q(is_visitor=True),
                name="arrival_of_visitors",
            )
        ]

    def __str__(self) -> str:
        return f"{self.worker_id} in {self.campaign_id}"
