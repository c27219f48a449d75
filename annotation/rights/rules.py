"""Who may do what: `may` and `visible` answer for API, pages, exports and admin alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404

from annotation.models import AccountLink, Grant, RightsChange, Role, Scope
from imagesets.models import Dataset, Image, ImportJob, Label
from models_inference.models import Classifier, InferenceJob, Prediction, SkippedImage, Trial
from tasks.models import (
    HIT,
    Assignment,
    Campaign,
    CampaignImage,
    Flag,
    HITItem,
    ImageResult,
    Invitation,
    KnownAnswer,
    Overrule,
    Pair,
    PairResult,
    Payment,
    PictureReport,
    Run,
    Session,
    Stop,
    Transition,
    Worker,
    WorkerResult,
)


class Right(StrEnum):
    """What can be asked of a user; SUPERUSER: what no role gives."""

    VIEW = "view"
    REVIEW = "review"
    RESEARCH = "research"
    OWN = "own"
    SPEND = "spend"
    RAW_WORKERS = "raw_workers"
    SUPERUSER = "superuser"


VIEW, REVIEW, RESEARCH, OWN, SPEND, RAW_WORKERS, SUPERUSER = Right

ROLES = {
    Role.VIEWER: frozenset({VIEW}),
    Role.REVIEWER: frozenset({VIEW, REVIEW}),
    Role.RESEARCHER: frozenset({VIEW, REVIEW, RESEARCH}),
    Role.OWNER: frozenset({VIEW, REVIEW, RESEARCH, OWN}),
}
# What a role for one campaign gives on its dataset, its source and the one that it adds to.
CARRIED = ROLES[Role.RESEARCHER]
# What a token must be for, one of these; a right that is not listed: for writing.
SCOPES = {
    VIEW: {Scope.READ, Scope.WRITE},
    SPEND: {Scope.SPEND},
    RAW_WORKERS: {Scope.RAW_WORKERS},
}
NEEDED = {
    VIEW: "a role",
    REVIEW: "the role reviewer",
    RESEARCH: "the role researcher",
    OWN: "the role owner",
    SPEND: "the permission spend",
    RAW_WORKERS: "the permission raw_workers",
    SUPERUSER: "a superuser",
}

# From a row to the campaign or dataset that it belongs to. Other rows belong to the whole site.
CAMPAIGN_OF: Mapping[type[Model], str] = {
    Campaign: "pk",
    PairResult: "pair__campaign",
    HITItem: "hit__campaign",
    **dict.fromkeys(
        (
            *(AccountLink, Assignment, CampaignImage, Flag, Grant, HIT, ImageResult, Invitation),
            *(Pair, Payment, PictureReport, RightsChange, Run, Session, Stop, Transition),
            WorkerResult,
        ),
        "campaign",
    ),
}
DATASET_OF: Mapping[type[Model], str] = {
    Dataset: "pk",
    Prediction: "classifier__dataset",
    SkippedImage: "image__dataset",
    Overrule: "image__dataset",
    **dict.fromkeys((Classifier, Image, InferenceJob, KnownAnswer, Label, Trial), "dataset"),
}


@dataclass(frozen=True)
class Reach:
    """Where a user has a right: on the whole site, or on these campaigns and datasets (ids)."""

    site: bool = False
    campaigns: frozenset[int] = frozenset()
    datasets: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return self.site or bool(self.campaigns)


def rights_of(grant: Grant) -> frozenset[Right]:
    """The rights that a grant gives."""
    permissions = {SPEND: grant.spend, RAW_WORKERS: grant.raw_workers}
    return ROLES[Role(grant.role)] | {right for right, given in permissions.items() if given}


def reach_of(user: Any, right: Right) -> Reach:
    """Where the user has the right, as far as the scopes of their token allow."""
    if not user.is_active or not _in_scope(user, right):
        return Reach()
    if user.is_superuser:
        return Reach(site=True)
    giving = [grant for grant in _grants_of(user) if right in rights_of(grant)]
    if any(grant.campaign is None for grant in giving):
        return Reach(site=True)
    campaigns = [grant.campaign for grant in giving]
    ids = {campaign.pk for campaign in campaigns}
    if right not in CARRIED:
        return Reach(campaigns=frozenset(ids))
    sources = {one for each in campaigns for one in (each.source_id, each.adds_to_id)} - {None}
    return Reach(
        campaigns=frozenset(ids | sources),
        datasets=frozenset(campaign.dataset_id for campaign in campaigns),
    )


def _in_scope(user: Any, right: Right) -> bool:
    scopes = getattr(user, "scopes", None)  # of the token that a request came with
    return scopes is None or not SCOPES.get(right, {Scope.WRITE}).isdisjoint(scopes)


def _grants_of(user: Any) -> list[Any]:
    """A user's grants, read once for each request, as Django's own permissions are."""
    if not hasattr(user, "_grants"):
        user._grants = list(
            Grant.objects.filter(user=user)
            .select_related("campaign")
            .only(
                *("role", "spend", "raw_workers"),
                *("campaign__source", "campaign__adds_to", "campaign__dataset"),
            )
        )
    return user._grants


def may(user: Any, right: Right, thing: Model | None = None) -> bool:
    """Whether the user has the right on a row (a campaign, a dataset, or what belongs to one).

    Without a row: on the whole site.
    """
    reach = reach_of(user, right)
    if reach.site or thing is None:
        return reach.site
    if isinstance(thing, Campaign):
        return thing.pk in reach.campaigns
    if isinstance(thing, Dataset):
        return thing.pk in reach.datasets
    return allowed(user, right, type(thing)._default_manager.all()).filter(pk=thing.pk).exists()


def may_somewhere(user: Any, right: Right) -> bool:
    """Whether the user has the right on anything."""
    return bool(reach_of(user, right))


def need(user: Any, right: Right, thing: Model | None = None) -> None:
    """Raise PermissionDenied, saying what is missing, unless the user has the right."""
    if not may(user, right, thing):
        raise PermissionDenied(refusal(right, thing))


OF_A_TOKEN = "; of a token, also the scope"  # the end of a refusal, for the API's callers


def refusal(right: Right, thing: Model | None = None) -> str:
    """What to tell a person who lacks the right."""
    where = f" for {thing._meta.verbose_name} {thing}" if thing is not None else ""
    scope = Scope.READ if right is VIEW else min(SCOPES.get(right, {Scope.WRITE}))
    return f"This needs {NEEDED[right]}{where}{OF_A_TOKEN} {scope}."


def allowed(user: Any, right: Right, queryset: QuerySet) -> QuerySet:
    """The rows on which the user has the right."""
    reach, model = reach_of(user, right), queryset.model
    if reach.site:
        return queryset
    if model in CAMPAIGN_OF:
        return queryset.filter(**{f"{CAMPAIGN_OF[model]}__in": reach.campaigns})
    if model in DATASET_OF:
        return queryset.filter(**{f"{DATASET_OF[model]}__in": reach.datasets})
    if model is ImportJob:
        return queryset.filter(
            slug__in=Dataset.objects.filter(pk__in=reach.datasets).values("slug")
        )
    if model is Worker:
        campaigns = {"campaign__in": reach.campaigns}
        return queryset.filter(
            Q(pk__in=Assignment.objects.filter(**campaigns).values("worker"))
            | Q(pk__in=Stop.objects.filter(**campaigns).values("worker"))
        )
    return queryset.none()


def visible(user: Any, queryset: QuerySet) -> QuerySet:
    """The rows that the user may see."""
    return allowed(user, VIEW, queryset)


def row_for(user: Any, right: Right, queryset: QuerySet, **lookup: Any) -> Any:
    """One row, for a user who needs the right on it.

    Raises Http404 unless they may see it, and PermissionDenied unless they have the right.
    """
    row = visible(user, queryset).filter(**lookup).first()
    if row is None:
        raise Http404
    need(user, right, row)
    return row
