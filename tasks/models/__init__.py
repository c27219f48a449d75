"""A study as tables: campaign, pairs, HITs, items, places, assignments, results."""

from tasks.models.assignment import Assignment, Place
from tasks.models.campaign import Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.hit import HIT, HITItem, Section
from tasks.models.known_answer import KnownAnswer
from tasks.models.payment import Payment
from tasks.models.results import ImageResult, PairResult, Run, WorkerResult
from tasks.models.transition import Transition
from tasks.models.worker import Secret, Stop, Worker

__all__ = [
    "HIT",
    "Assignment",
    "Campaign",
    "CampaignImage",
    "CampaignLabel",
    "HITItem",
    "ImageResult",
    "KnownAnswer",
    "Pair",
    "PairResult",
    "Payment",
    "Place",
    "Run",
    "Secret",
    "Section",
    "Stop",
    "Transition",
    "Worker",
    "WorkerResult",
]
