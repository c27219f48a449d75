"""Campaigns of few places, their used answers, and expiry at once."""

from collections import Counter
from datetime import timedelta

from django.utils import timezone

from tasks.campaigns.publish import publish
from tasks.models import Assignment, Campaign, Place
from tasks.models.assignment import USED


def used_per_hit(campaign: Campaign) -> Counter:
    """How many used answers each HIT has, by its id."""
    return Counter(
        Assignment.objects.filter(USED, campaign=campaign).values_list("hit_id", flat=True)
    )


def expire(assignment: Assignment) -> None:
    """Let the assignment's time run out now."""
    past = timezone.now() - timedelta(seconds=1)
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=past)
    Place.objects.filter(holder=assignment).update(free_at=past)


def publish_contains(dataset, **settings) -> Campaign:
    campaign = Campaign.objects.create(
        name="Made", slug="made", dataset=dataset, kind="contains", **settings
    )
    publish(campaign, "a test")
    return campaign


def one_place(dataset) -> Campaign:
    """One HIT that wants one answer."""
    return publish_contains(
        dataset,
        images=["000.jpg"],
        workers_per_item=1,
        round_size=1,
        candidates={"classifiers": ["first"], "k": 1},
    )
