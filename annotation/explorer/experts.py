"""Who is an expert, and what an image's page and exports tell them of other experts (rule E2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from annotation.rights import RESEARCH, REVIEW, may
from imagesets.models import Dataset, Image
from tasks.models import Overrule
from tasks.models.overrule import Verdict
from tasks.work.overruling import judged_images, readable


@dataclass(frozen=True)
class Told:
    """A verdict as pages show it."""

    label: str
    says: str
    why: str
    who: str
    at: datetime
    replaced: bool


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on an image that somebody may read. hidden: experts whom they see afterwards."""

    told: list[Told]
    hidden: int


def verdicts_on(image: Image, user: Any, dataset: Dataset) -> Verdicts:
    """The experts' verdicts, those that were revised among them, in order.

    Whoever may make the pass sees those of others once they have given theirs on the image.
    """
    rows = Overrule.objects.filter(image=image)
    current = rows.filter(replaced_at=None)
    seen, hidden = rows, 0
    if is_expert(user, dataset):
        seen = readable(rows, user.get_username())
        told = readable(current, user.get_username())
        hidden = current.exclude(pk__in=told).order_by().values("who").distinct().count()
    ordered = seen.select_related("label", "same_as").order_by("label__key", "pk")
    return Verdicts([_told(row) for row in ordered], hidden)


def _told(row: Overrule) -> Told:
    return Told(
        row.label.names[0],
        in_words(Verdict(row.verdict), row.same_as.names[0] if row.same_as else ""),
        row.why,
        row.who,
        row.at,
        row.replaced_at is not None,
    )


def in_words(verdict: Verdict, other: str = "") -> str:
    """A verdict as people read it."""
    return SAID[verdict] + (f" {other}" if other else "")


SAID: Mapping[Verdict, str] = {
    Verdict.PRESENT: "present",
    Verdict.ABSENT: "absent",
    Verdict.MAIN: "main object",
    Verdict.NOT_MAIN: "not main",
    Verdict.SAME_OBJECT_AS: "same object as",
}


def is_expert(user: Any, dataset: Dataset) -> bool:
    """Whether a person may make the expert pass, whatever their token is for."""
    return may(_whole(user), REVIEW, dataset)


def blinded(user: Any, dataset: Dataset) -> str | None:
    """The name of a reader whose exports hold others' verdicts only on what they have judged.

    Reviewers are such; researchers and owners, who need the whole table, once they take part.
    """
    person = _whole(user)
    if not may(person, REVIEW, dataset):
        return None
    if may(person, RESEARCH, dataset) and not judged_images(dataset, user.get_username()).exists():
        return None
    return user.get_username()


def _whole(user: Any) -> Any:
    """The person without the scopes of their token: a narrow token makes nobody else of them."""
    if getattr(user, "scopes", None) is None:
        return user
    return get_user_model()._default_manager.get(pk=user.pk)
