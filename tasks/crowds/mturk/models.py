"""What the site has put before MTurk's workers: HIT types, and the MTurk HITs of each HIT."""

from django.db import models
from django.db.models import F, Q, QuerySet

from tasks.models import HIT, Campaign

MOST_ASSIGNMENTS = 9  # from 10 on MTurk's fee doubles


class HITType(models.Model):
    """What MTurk calls the HITs of a campaign that pay the same."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    reward = models.DecimalField(max_digits=7, decimal_places=2)
    market_id = models.CharField(max_length=64)
    fields = models.JSONField(
        default=dict, db_default={}, help_text="What CreateHITType was given for it."
    )

    class Meta:
        verbose_name = "HIT type"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "reward"], name="one_hit_type_per_reward")
        ]

    def __str__(self) -> str:
        return self.market_id


class Listing(models.Model):
    """One MTurk HIT of a HIT; beyond 9 assignments a HIT has a second one, and so on.

    Written before MTurk is asked, so that after a crash the row says what may exist there.
    """

    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveSmallIntegerField(help_text="From 1, within the HIT.")
    token = models.CharField(max_length=64, unique=True, help_text="Its UniqueRequestToken.")
    market_id = models.CharField(max_length=64, unique=True, null=True, blank=True)
    hit_type = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="The id of its HIT type."
    )
    max_assignments = models.PositiveSmallIntegerField(
        default=0, help_text="MaxAssignments, as MTurk last confirmed it."
    )
    asked_for = models.PositiveSmallIntegerField(
        help_text="MaxAssignments, as MTurk was last asked: if more, the answer is not clear."
    )
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When MTurk was first asked to make it."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text="When MTurk was first seen not to have it any more."
    )
    is_replaced = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Gone, and its HIT offered anew: both numbers are what was handed in by it.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hit", "number"], name="listing_number_once"),
            models.CheckConstraint(
                condition=(Q(asked_for__gte=1) | Q(is_replaced=True))
                & Q(asked_for__lte=MOST_ASSIGNMENTS, max_assignments__lte=F("asked_for")),
                name="listing_of_at_most_9",
            ),
            models.CheckConstraint(
                condition=Q(market_id=None) | Q(asked_at__isnull=False),
                name="listing_was_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return self.market_id or self.token

    @property
    def annotation(self) -> str:
        """Its RequesterAnnotation, by which the site finds it again when its token has expired."""
        return f"{ANNOTATION}{self.token}"


ANNOTATION = "second-look "


def listings_of(campaign: Campaign) -> QuerySet[Listing]:
    """The campaign's listings, with their HITs."""
    return Listing.objects.filter(hit__campaign=campaign).select_related("hit").order_by("pk")


def live_listings_of(campaign: Campaign) -> QuerySet[Listing]:
    """Those that MTurk has made, and still has as far as the site knows."""
    return listings_of(campaign).filter(market_id__isnull=False, gone_at=None)
