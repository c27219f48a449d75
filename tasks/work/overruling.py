"""Takes an expert's verdicts on an image, and says whose verdicts they may read (rule E2)."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from imagesets.clock import Now
from imagesets.models import Dataset, Image, Label
from tasks.models import Overrule
from tasks.models.overrule import Verdict
from tasks.models.refused import Refused


class Given(NamedTuple):
    """A verdict on a label; `same_as`: of SAME_OBJECT_AS, the other label's id."""

    verdict: Verdict
    same_as: int | None = None


@transaction.atomic
def give_verdicts(
    image: Image, who: str, asked: Collection[int], verdicts: Mapping[int, Given], why: str
) -> None:
    """Make an expert's verdicts on these labels of an image (`asked`, ids) those: {label: verdict}.

    What they said before and say no more is kept as replaced; the same again changes nothing.
    Raises Refused for verdicts that contradict each other, and of an image that was withdrawn.
    """
    image = Image.objects.select_for_update(no_key=True).get(pk=image.pk)
    if image.withdrawn_at is not None:
        raise Refused(f"{image.key} was withdrawn")
    _check(image, verdicts)
    mine = Overrule.objects.filter(image=image, label__in=asked, who=who, replaced_at=None)
    before = {row.label_id: row for row in mine}
    same = {
        label
        for label, row in before.items()
        if verdicts.get(label) == (row.verdict, row.same_as_id) and row.why == why
    }
    mine.exclude(label__in=same).update(replaced_at=Now())
    Overrule.objects.bulk_create(
        Overrule(
            image=image,
            label_id=label,
            verdict=given.verdict,
            same_as_id=given.same_as,
            why=why,
            who=who,
        )
        for label, given in verdicts.items()
        if label not in same
    )


def _check(image: Image, verdicts: Mapping[int, Given]) -> None:
    named = {*verdicts, *(each.same_as for each in verdicts.values() if each.same_as is not None)}
    labels = {
        pk: names[0]
        for pk, names in Label.objects.filter(dataset=image.dataset_id, pk__in=named).values_list(
            "pk", "names"
        )
    }
    if named - labels.keys():
        raise Refused("a verdict names a label that is not the dataset's")
    if sum(given.verdict == Verdict.MAIN for given in verdicts.values()) > 1:
        raise Refused("two labels are said to be the main one")
    for label, given in verdicts.items():
        if given.verdict != Verdict.SAME_OBJECT_AS:
            continue
        if given.same_as is None or given.same_as == label:
            raise Refused(f"{labels[label]}: say as which other label it is the same object")
        other = verdicts.get(given.same_as)
        if other is not None and other.verdict in (Verdict.ABSENT, Verdict.SAME_OBJECT_AS):
            raise Refused(
                f"{labels[label]} cannot be the same object as {labels[given.same_as]}, of which"
                f" you say {other.verdict.replace('_', ' ')}"
            )


def judged_images(dataset: Dataset, who: str) -> QuerySet[Overrule, int]:
    """The ids of the images on which the expert has given verdicts."""
    mine = Overrule.objects.filter(image__dataset=dataset, who=who, replaced_at=None)
    return mine.order_by().values_list("image", flat=True).distinct()


def readable(rows: QuerySet[Overrule], who: str) -> QuerySet[Overrule]:
    """The verdicts that an expert may read: their own, and others' on what they have judged."""
    mine = Overrule.objects.filter(image=OuterRef("image"), who=who, replaced_at=None)
    return rows.filter(Q(who=who) | Exists(mine))


def settled_by_experts(dataset: Dataset) -> dict[tuple[int, int], bool | None]:
    """(image, label) -> whether the experts say that it is there; None: they contradict each other.

    `present` and `main` say that it is, `absent` that it is not; the other verdicts say neither.
    """
    settling = {Verdict.PRESENT: True, Verdict.MAIN: True, Verdict.ABSENT: False}
    rows = Overrule.objects.filter(
        image__dataset=dataset, image__withdrawn_at=None, replaced_at=None, verdict__in=settling
    )
    said: dict[tuple[int, int], bool | None] = {}
    for image, label, verdict in rows.values_list("image", "label", "verdict"):
        present = settling[Verdict(verdict)]
        said[image, label] = present if said.get((image, label), present) == present else None
    return said
