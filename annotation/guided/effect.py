"""What a draft would ask and cost: of a follow-up from its source's counts, of others by trial.

A trial lays the draft out and puts everything back.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.db.models import Count, QuerySet, Sum

from annotation.drawn.picture import Drawn
from imagesets.models import Image
from tasks import money
from tasks.campaigns.choosing import chosen_images
from tasks.campaigns.controls import available
from tasks.campaigns.forecast import Forecast, forecast
from tasks.campaigns.freezing import Published
from tasks.campaigns.publish import as_changed, on_trial, practice_at_first
from tasks.models import Campaign, CampaignImage, HITItem, Pair
from tasks.models.campaign import Kind
from tasks.models.hit import Role
from tasks.models.refused import Refused

MOST_IMAGES = 5000  # for up to this many the pages lay a draft out while somebody waits
EXAMPLES = 6
CHOSEN = 24  # pictures shown where the draft asks only some images
GROUPS = {
    "fu": "another label is selected at least {} times as often as the dataset label",
    "mis": "nobody selected the dataset label",
    "easy": "no other label is selected that often",
    "amb": "too few answers to tell; never asked",
}
KINDS = {  # by (present, weak)
    (True, False): "known to show its label",
    (False, False): "known not to show it",
    (True, True): "of that dataset label, so likely to show it",
    (False, True): "named by no classifier, so likely not to",
}


@dataclass(frozen=True)
class Group:
    """A group of the source's images: how many there are and are asked, with some pictures."""

    name: str
    about: str
    images: int
    asked: int
    examples: list[Drawn]


@dataclass(frozen=True)
class ControlKind:
    """A kind of controls: how many there are to draw from (None: as many as wanted), and drawn."""

    name: str
    exist: int | None
    drawn: int


@dataclass(frozen=True)
class Effect:
    """What publishing would lay out; `refused`: why it cannot be laid out.

    `examples`: some of what is asked, where no groups show theirs.
    """

    refused: str = ""
    images: int = 0
    pairs: int = 0
    labels: int = 0
    hits: int = 0
    controls: int = 0
    workers: int = 0
    seconds: float = 0.0  # of one HIT, on average
    first_round: str = ""
    whole: str = ""
    over: bool = False  # the whole costs more than the budget
    beyond: bool = False  # the first round does, so that it cannot be published
    carried: str = ""  # how far the budget goes, in sentences
    notes: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    kinds: list[ControlKind] = field(default_factory=list)
    examples: list[tuple[Drawn, str]] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """Of one HIT, on average."""
        return self.seconds / 60

    @property
    def controls_of_hit(self) -> float:
        """On average."""
        return self.controls / self.hits if self.hits else 0.0

    @property
    def hours(self) -> float:
        """Of all workers together."""
        return self.seconds * self.hits * self.workers / 3600


def is_quick(draft: Campaign) -> bool:
    """Whether the draft is small enough to be laid out while somebody waits."""
    return draft.dataset.images.count() <= MOST_IMAGES


def pictures_of(draft: Campaign) -> list[Drawn]:
    """Some of the images that a draft chooses, without laying it out."""
    images = draft.dataset.images.filter(withdrawn_at=None)
    number = EXAMPLES
    if draft.images != "all":
        with suppress(Refused):
            images, number = images.filter(pk__in=chosen_images(draft)), CHOSEN
    return _drawn(images, number)


def effect_of(draft: Campaign, change: Callable[[Campaign], object] = lambda draft: None) -> Effect:
    """The effect of the draft as `change` makes it; the draft itself stays as it is."""
    try:
        if draft.source is None:
            with on_trial(draft, change, complete=False) as (published, laid_out):
                return _laid_out(published, laid_out)
        with as_changed(draft, change) as changed:
            return _forecast(changed, draft.source)
    except Refused as refused:
        return Effect(refused=str(refused))


def _laid_out(published: Published, laid_out: Campaign) -> Effect:
    """What laying a draft out has made."""
    seconds = laid_out.hits.aggregate(total=Sum("expected_seconds", default=0.0))["total"]
    labels = Pair.objects.filter(campaign=laid_out).exclude(sources=["control"])
    return replace(
        _effect(published, laid_out, seconds),
        labels=labels.values("label").distinct().count(),
        kinds=_kinds(laid_out),
        examples=_examples(laid_out),
    )


def _kinds(laid_out: Campaign) -> list[ControlKind]:
    """The kinds of a laid out campaign's controls."""
    if laid_out.kind == Kind.CLASSIFY:
        return []
    items = HITItem.objects.filter(hit__campaign=laid_out, role=Role.CONTROL).order_by()
    rows = items.values_list("known", "weak").annotate(Count("pk"))
    drawn = {(known, weak): number for known, weak, number in rows}
    exist = available(laid_out)
    return [
        ControlKind(
            name,
            None if (present, weak) == (False, True) else exist[present, weak],
            drawn.get((present, weak), 0),
        )
        for (present, weak), name in KINDS.items()
    ]


def _forecast(draft: Campaign, source: Campaign) -> Effect:
    """What a follow-up would lay out, from its source's counts."""
    expected = forecast(draft, source)
    return replace(
        _effect(expected.published, draft, expected.seconds),
        labels=expected.labels,
        kinds=[
            ControlKind("known to show one label", expected.usable, expected.published.controls)
        ],
        groups=_groups(expected, f"{float(draft.min_relative_sf):g}"),
    )


def _effect(published: Published, draft: Campaign, seconds: float) -> Effect:
    """`seconds`: of all HITs together."""
    budget = draft.budget
    carried, beyond = _carried(published, draft)
    return Effect(
        images=published.images,
        pairs=published.pairs,
        hits=published.hits,
        controls=published.controls,
        workers=draft.workers_per_item,
        seconds=seconds / published.hits if published.hits else 0.0,
        first_round=str(published.first_round),
        whole=str(published.whole),
        carried=carried,
        beyond=beyond,
        over=budget is not None and published.whole.total > budget,
        notes=published.notes,
    )


def _carried(published: Published, draft: Campaign) -> tuple[str, bool]:
    """How far the budget goes, in sentences ("" without one), and whether not even a round."""
    if (budget := draft.budget) is None:
        return "", False
    practice = practice_at_first(draft, published)
    if published.first_round.total + practice.total <= budget:
        return money.budget_told(budget, published.whole), False
    return (
        f"Budget: {draft.as_money(budget)}: it cannot be published, since its first round costs"
        f" {published.first_round}{practice.beside}.",
        True,
    )


def _groups(expected: Forecast, enough: str) -> list[Group]:
    images: dict[str, list[int]] = defaultdict(list)
    for image, group in expected.group_of.items():
        images[group].append(image)
    return [
        Group(
            name,
            about.format(enough),
            len(images[name]),
            len(expected.asked.intersection(images[name])),
            _drawn(Image.objects.filter(pk__in=images[name])),
        )
        for name, about in GROUPS.items()
        if name in images
    ]


def _drawn(images: QuerySet[Image], number: int = EXAMPLES) -> list[Drawn]:
    return [Drawn.of(image) for image in images.order_by("public_id")[:number]]


def _examples(laid_out: Campaign) -> list[tuple[Drawn, str]]:
    """Some of what is asked: pictures, each with a label (CONTAINS) or all that are offered."""
    number = EXAMPLES if laid_out.images == "all" else CHOSEN
    pairs = Pair.objects.filter(campaign=laid_out).select_related("image", "label")
    if laid_out.kind == Kind.CONTAINS:
        some = pairs.order_by("image__public_id", "pk").distinct("image__public_id")[:number]
        return [(Drawn.of(pair.image), pair.label.names[0]) for pair in some]
    asked = CampaignImage.objects.filter(campaign=laid_out, asked=True).values("image")
    images = list(Image.objects.filter(pk__in=asked).order_by("public_id")[:number])
    names: dict[int, list[str]] = defaultdict(list)
    for pair in pairs.filter(image__in=images):
        names[pair.image_id].append(pair.label.names[0])
    return [(Drawn.of(image), ", ".join(names[image.pk])) for image in images]
