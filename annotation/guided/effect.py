"""What a draft would ask and cost, found by laying it out and putting everything back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Sum

from annotation.review.drawn import Drawn
from tasks import money
from tasks.campaigns.publish import on_trial
from tasks.models import HIT, Campaign, CampaignImage, Pair
from tasks.models.campaign import Kind
from tasks.models.refused import Refused

MOST_IMAGES = 5000  # for up to this many the pages lay a draft out while somebody waits
EXAMPLES = 6
GROUPS = {
    "fu": "another label is selected at least half as often as the dataset label",
    "mis": "nobody selected the dataset label",
    "easy": "the dataset label alone is left",
    "amb": "too few answers to tell; never asked",
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
class Effect:
    """What publishing would lay out; `refused`: why it cannot be laid out."""

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
    total: Decimal = Decimal(0)
    budget: str = ""
    over: bool = False  # the whole costs more than the budget
    notes: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    examples: list[tuple[Drawn, str]] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        """Of one HIT, on average."""
        return self.seconds / 60

    @property
    def hours(self) -> float:
        """Of all workers together."""
        return self.seconds * self.hits * self.workers / 3600


def is_quick(draft: Campaign) -> bool:
    """Whether the draft is small enough to be laid out while somebody waits."""
    return draft.dataset.images.count() <= MOST_IMAGES


def effect_of(draft: Campaign, change: Callable[[Campaign], object] = lambda draft: None) -> Effect:
    """The effect of the draft as `change` makes it; the draft itself stays as it is."""
    try:
        with on_trial(draft, change, complete=False) as (published, laid_out):
            hits = HIT.objects.filter(campaign=laid_out)
            seconds = hits.aggregate(total=Sum("expected_seconds", default=0.0))["total"]
            budget = laid_out.budget
            return Effect(
                images=published.images,
                pairs=published.pairs,
                labels=laid_out.labels.count(),
                hits=published.hits,
                controls=published.controls,
                workers=laid_out.workers_per_item,
                seconds=seconds / published.hits if published.hits else 0.0,
                first_round=str(published.first_round),
                whole=str(published.whole),
                total=published.whole.total,
                budget="" if budget is None else money.usd(budget),
                over=budget is not None and published.whole.total > budget,
                notes=published.notes,
                groups=_groups(laid_out),
                examples=_examples(laid_out),
            )
    except Refused as refused:
        return Effect(refused=str(refused))


def _groups(laid_out: Campaign) -> list[Group]:
    if laid_out.source_id is None:
        return []
    rows = CampaignImage.objects.filter(campaign=laid_out).select_related("image")
    return [
        Group(
            name,
            about,
            of_group.count(),
            of_group.filter(asked=True).count(),
            [Drawn.of(row.image) for row in of_group.order_by("image__public_id")[:EXAMPLES]],
        )
        for name, about in GROUPS.items()
        for of_group in [rows.filter(group=name)]
        if of_group.exists()
    ]


def _examples(laid_out: Campaign) -> list[tuple[Drawn, str]]:
    """Some of what is asked: pictures, each with a label (CONTAINS) or all that are offered."""
    pairs = Pair.objects.filter(campaign=laid_out).select_related("image", "label")
    if laid_out.kind == Kind.CONTAINS:
        some = pairs.order_by("image__public_id", "pk").distinct("image__public_id")[:EXAMPLES]
        return [(Drawn.of(pair.image), pair.label.names[0]) for pair in some]
    asked = CampaignImage.objects.filter(campaign=laid_out, asked=True).select_related("image")
    shown = []
    for row in asked.order_by("image__public_id")[:EXAMPLES]:
        names = [pair.label.names[0] for pair in pairs.filter(image=row.image)]
        shown.append((Drawn.of(row.image), ", ".join(names)))
    return shown
