"""Campaigns answered at random for aggregation, and the files that aggregations keep."""

import random

from django.conf import settings

from tasks.campaigns.publish import publish
from tasks.models import Campaign
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import a_random_answer, make_dataset


def files(campaign: Campaign) -> list:
    return list((settings.DATA_DIR / "aggregation").glob(f"campaign-{campaign.pk}.*"))


def open_campaign(kind: str, **more) -> Campaign:
    campaign = Campaign.objects.create(
        name=kind, dataset=make_dataset(), kind=kind, maybe=True, grid_size=6, **more
    )
    publish(campaign, "a test")
    return campaign


def answer_some(campaign: Campaign, worker, rng: random.Random, number: int = 1) -> int:
    """How many HITs the worker answered, at random."""
    done = 0
    while done < number and (assignment := next_assignment(campaign, worker)):
        submit(assignment, a_random_answer(assignment, rng) | {"active_seconds": rng.random()})
        done += 1
    return done
