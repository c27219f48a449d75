"""A study as tables: campaign, invitations, pairs, HITs, items, places, assignments, results."""

from tasks.models.assignment import Assignment, Place
from tasks.models.campaign import Campaign, CampaignImage, CampaignLabel, Pair
from tasks.models.consent import Consent, ConsentText
from tasks.models.draft import Draft
from tasks.models.flag import Flag
from tasks.models.hit import HIT, HITItem, Section
from tasks.models.invitation import Arrival, Invitation
from tasks.models.known_answer import KnownAnswer
from tasks.models.label_results import LabelPair, LabelResult, PairKind
from tasks.models.overrule import Overrule
from tasks.models.payment import Payment
from tasks.models.picture_report import PictureReport
from tasks.models.practice import PracticeDraft, PracticeHIT, PracticeItem, PracticeTry, Work
from tasks.models.results import (
    ImageResult,
    KeptColumn,
    KeptReport,
    KeptStudy,
    PairResult,
    Run,
    WorkerResult,
)
from tasks.models.session import Session
from tasks.models.transition import Transition
from tasks.models.worker import Secret, Stop, Worker

__all__ = [
    "HIT",
    "Arrival",
    "Assignment",
    "Campaign",
    "CampaignImage",
    "CampaignLabel",
    "Consent",
    "ConsentText",
    "Draft",
    "Flag",
    "HITItem",
    "ImageResult",
    "Invitation",
    "KeptColumn",
    "KeptReport",
    "KeptStudy",
    "KnownAnswer",
    "LabelPair",
    "LabelResult",
    "Overrule",
    "Pair",
    "PairKind",
    "PairResult",
    "Payment",
    "PictureReport",
    "Place",
    "PracticeDraft",
    "PracticeHIT",
    "PracticeItem",
    "PracticeTry",
    "Run",
    "Secret",
    "Section",
    "Session",
    "Stop",
    "Transition",
    "Work",
    "Worker",
    "WorkerResult",
]
