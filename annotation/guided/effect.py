"""What a draft would ask and cost, found by laying it out and putting everything back."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from annotation.review.drawn import Drawn
from imagesets.models import Image
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
    carried: str = ""  # how far the budget goes, in sentences
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
            budget, groups = laid_out.budget, _groups(laid_out)
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
                over=budget is not None and published.whole.total > budget,
                carried="" if budget is None else money.budget_told(budget, published.whole),
                notes=published.notes,
                groups=groups,
                examples=[] if groups else _examples(laid_out),
            )
    except Refused as refused:
        return Effect(refused=str(refused))


def _groups(laid_out: Campaign) -> list[Group]:
    if laid_out.source_id is None:
        return []
    rows = CampaignImage.objects.filter(campaign=laid_out)
    sizes = rows.order_by().values("group")
    sizes = sizes.annotate(images=Count("pk"), to_ask=Count("pk", filter=Q(asked=True)))
    size_of_group = {size["group"]: size for size in sizes}
    return [
        Group(
            name,
            about,
            size_of_group[name]["images"],
            size_of_group[name]["to_ask"],
            [Drawn.of(image) for image in _first_images(rows.filter(group=name))],
        )
        for name, about in GROUPS.items()
        if name in size_of_group
    ]


def _first_images(rows: QuerySet[CampaignImage]) -> list[Image]:
    first = rows.select_related("image").order_by("image__public_id")[:EXAMPLES]
    return [row.image for row in first]


def _examples(laid_out: Campaign) -> list[tuple[Drawn, str]]:
    """Some of what is asked: pictures, each with a label (CONTAINS) or all that are offered."""
    pairs = Pair.objects.filter(campaign=laid_out).select_related("image", "label")
    if laid_out.kind == Kind.CONTAINS:
        some = pairs.order_by("image__public_id", "pk").distinct("image__public_id")[:EXAMPLES]
        return [(Drawn.of(pair.image), pair.label.names[0]) for pair in some]
    images = _first_images(CampaignImage.objects.filter(campaign=laid_out, asked=True))
    names: dict[int, list[str]] = defaultdict(list)
    for pair in pairs.filter(image__in=images):
        names[pair.image_id].append(pair.label.names[0])
    return [(Drawn.of(image), ", ".join(names[image.pk])) for image in images]
