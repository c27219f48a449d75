"""Controls: items whose answer is known, drawn into the HITs of a layout (rules K1 to K6).

Strong ones were settled by a table of known answers, by experts or an earlier campaign. Weak ones
are inferred: an image with dataset label X, whose pair with X is not asked, shows X; an image of
another superclass, whose candidates exclude X, does not. A pair is a control at most once in a
campaign, and never one that the campaign asks or practises on, so no worker judges it twice.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection

from tasks.campaigns.follow_up import CountedPair, counted_pairs, settled_pairs
from tasks.models import Campaign, KnownAnswer, PracticeItem
from tasks.work.overruling import settled_by_experts

TRIES = 4  # rounds of proposals for weak negatives
PROPOSED = 3  # proposals for each weak negative wanted


@dataclass(frozen=True)
class Control:
    """An item to be put in a HIT; in CLASSIFY `label` is the settled one, `foils` the others."""

    image: int
    label: int
    present: bool
    weak: bool = False
    foils: tuple[int, ...] = ()


@dataclass
class Laid:
    """A HIT being laid out: the label of each section, the images shown, the controls drawn."""

    labels: Sequence[int]
    images: set[int]
    wanted: int  # controls
    drawn: list[tuple[int, Control]] = field(default_factory=list)  # (section, control)

    def take(self, section: int, control: Control) -> None:
        self.drawn.append((section, control))
        self.images.add(control.image)

    @property
    def lacking(self) -> int:
        return self.wanted - len(self.drawn)


def settled(
    campaign: Campaign, of_source: Sequence[CountedPair] = ()
) -> dict[tuple[int, int], bool]:
    """(image, label) -> whether the image shows the label, for every settled pair (rule K3).

    `of_source`: the pairs of its source, counted. Known answers prevail over experts, and experts
    over campaigns; experts, or campaigns, that contradict each other settle nothing.
    """
    presence: dict[tuple[int, int], bool] = {}
    doubtful = set()
    earlier = Campaign.objects.filter(
        slug__in=campaign.controls.get("campaigns", []), kind="contains"
    )
    others = [counted_pairs(source) for source in earlier if source.pk != campaign.source_id]
    for pairs in (*others, of_source):
        for pair, present in settled_pairs(pairs):
            if presence.setdefault(pair, present) != present:
                doubtful.add(pair)
    for pair in doubtful:
        del presence[pair]
    for pair, said in settled_by_experts(campaign.dataset).items():
        if said is None:
            presence.pop(pair, None)
        else:
            presence[pair] = said
    known = KnownAnswer.objects.filter(dataset=campaign.dataset_id, image__withdrawn_at=None)
    for image, label, present in known.values_list("image_id", "label_id", "present"):
        presence[image, label] = present
    return presence


class Pool:
    """The controls that a CONTAINS campaign may use, by label and presence; each is drawn once."""

    def __init__(self, campaign: Campaign, labels: Iterable[int], rng: random.Random) -> None:
        self.rng = rng
        known = settled(campaign)
        wanted = set(labels)
        strong = [Control(i, label, p) for (i, label), p in known.items() if label in wanted]
        shown = _asked(campaign, [(c.image, c.label) for c in strong]) | _practised(campaign)
        weak = [
            Control(image, label, True, weak=True)
            for image, label in _not_asked_of_own_label(campaign)
            if (image, label) not in known and label in wanted
        ]
        self.by_label: dict[tuple[int, bool], list[Control]] = defaultdict(list)
        # The last one is taken first, so strong ones stand at the end.
        for controls in (weak, [c for c in strong if (c.image, c.label) not in shown]):
            controls.sort(key=lambda c: (c.label, c.image))
            rng.shuffle(controls)
            for control in controls:
                self.by_label[control.label, control.present].append(control)

    def draw(self, hit: Laid, section: int, present: bool, weak: bool) -> bool:
        """Put a control in the section. False: none fits the HIT."""
        controls = self.by_label.get((hit.labels[section], present), [])
        for index in range(len(controls) - 1, -1, -1):
            if controls[index].weak == weak and controls[index].image not in hit.images:
                hit.take(section, controls.pop(index))
                return True
        return False


def available(campaign: Campaign) -> Counter[tuple[bool, bool]]:
    """How many controls a CONTAINS campaign whose pairs are frozen may use: by (present, weak).

    Weak negatives are not among them: they are found as HITs need them.
    """
    labels = campaign.pairs.values_list("label_id", flat=True).distinct()
    pool = Pool(campaign, labels, random.Random(0))
    return Counter((c.present, c.weak) for controls in pool.by_label.values() for c in controls)


def draw(campaign: Campaign, hits: Sequence[Laid], seed: int) -> None:
    """Draw the controls of a CONTAINS campaign's HITs, as many as wanted and as far as they exist.

    Half of them are positive, strong ones come first, each in a section of its own label (rule K5).
    """
    rng = random.Random(seed)
    pool = Pool(campaign, {label for hit in hits for label in hit.labels}, rng)
    for weak in (False, True):
        for hit in hits:
            for present in _kinds(hit, rng):
                sections = rng.sample(range(len(hit.labels)), len(hit.labels))
                any(pool.draw(hit, section, present, weak) for section in sections)
    used: set[tuple[int, int]] = set()
    _add_weak_negatives(campaign, hits, rng, used, _negatives_lacking)
    for weak in (False, True):  # where one kind runs short, the other fills in
        for hit in hits:
            for _ in range(hit.lacking):
                places = [(s, p) for s in range(len(hit.labels)) for p in (True, False)]
                rng.shuffle(places)
                any(pool.draw(hit, section, present, weak) for section, present in places)
    _add_weak_negatives(campaign, hits, rng, used, lambda hit: hit.lacking)


def _negatives_lacking(hit: Laid) -> int:
    """How many negatives the HIT lacks if half of its controls are to be positive."""
    drawn = sum(not control.present for _, control in hit.drawn)
    return min(max(hit.wanted - hit.wanted // 2 - drawn, 0), hit.lacking)


def _kinds(hit: Laid, rng: random.Random) -> list[bool]:
    """Whether each control that the HIT lacks is positive, so that half of all of them are."""
    positives = hit.wanted // 2 + (hit.wanted % 2 and rng.randrange(2))
    drawn = sum(control.present for _, control in hit.drawn)
    lacking = max(positives - drawn, 0)
    kinds = [True] * lacking + [False] * (hit.lacking - lacking)
    return kinds[: hit.lacking]


# Proposals that can be weak negatives: neither asked, nor named by any classifier, nor settled.
_EXCLUDED = """
    SELECT q.number FROM unnest(%(images)s::bigint[], %(labels)s::bigint[])
      WITH ORDINALITY AS q (image, label, number)
    WHERE NOT EXISTS (
        SELECT FROM tasks_pair p
        WHERE p.campaign_id = %(campaign)s AND p.image_id = q.image AND p.label_id = q.label)
      AND NOT EXISTS (
        SELECT FROM models_inference_prediction m
        WHERE m.image_id = q.image AND q.label = ANY (m.labels))
      AND NOT EXISTS (
        SELECT FROM tasks_knownanswer k WHERE k.image_id = q.image AND k.label_id = q.label)
      AND NOT EXISTS (
        SELECT FROM tasks_overrule o
        WHERE o.image_id = q.image AND o.label_id = q.label AND o.replaced_at IS NULL)
    ORDER BY q.number
"""


def _add_weak_negatives(
    campaign: Campaign,
    hits: Sequence[Laid],
    rng: random.Random,
    used: set[tuple[int, int]],
    room: Callable[[Laid], int],
) -> None:
    """Add images of the campaign whose candidates exclude a section's label, up to `room(hit)`.

    `used` holds the pairs that are controls already; new ones are added to it.
    """
    superclass = dict(campaign.dataset.labels.values_list("pk", "superclass"))
    images = list(
        campaign.campaign_images.filter(asked=True)
        .order_by("image_id")
        .values_list("image_id", "image__dataset_label_id")
    )
    for _ in range(TRIES):
        proposals = []
        for hit in hits:
            for _ in range(PROPOSED * room(hit)):
                section = rng.randrange(len(hit.labels))
                label = hit.labels[section]
                image, own = rng.choice(images)
                kin = superclass.get(label) and superclass.get(label) == superclass.get(own)
                if image not in hit.images and own != label and not kin:
                    proposals.append((hit, section, image, label))
        if not proposals:
            return
        for index in _passed(campaign, [(image, label) for _, _, image, label in proposals]):
            hit, section, image, label = proposals[index]
            if room(hit) and image not in hit.images and (image, label) not in used:
                used.add((image, label))
                hit.take(section, Control(image, label, False, weak=True))


def _passed(campaign: Campaign, pairs: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Indexes of the pairs that can be weak negatives."""
    with connection.cursor() as cursor:
        cursor.execute(
            _EXCLUDED,
            {
                "images": [image for image, _ in pairs],
                "labels": [label for _, label in pairs],
                "campaign": campaign.pk,
            },
        )
        yield from (number - 1 for (number,) in cursor.fetchall())


def _asked(campaign: Campaign, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs among these that the campaign asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.image_id, p.label_id FROM tasks_pair p
            JOIN unnest(%s::bigint[], %s::bigint[]) AS q (image, label)
              ON p.image_id = q.image AND p.label_id = q.label
            WHERE p.campaign_id = %s
            """,
            [[image for image, _ in pairs], [label for _, label in pairs], campaign.pk],
        )
        return set(cursor.fetchall())


def _practised(campaign: Campaign) -> set[tuple[int, int]]:
    """The pairs whose answers the campaign's practice tells (rule V7)."""
    items = PracticeItem.objects.filter(hit__campaign=campaign)
    return set(items.values_list("image_id", "label_id"))


def _not_asked_of_own_label(campaign: Campaign) -> list[tuple[int, int]]:
    """(image, dataset label) of the images for which the campaign does not ask that pair."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.id, i.dataset_label_id FROM imagesets_image i
            WHERE i.dataset_id = %(dataset)s AND i.dataset_label_id IS NOT NULL
              AND i.withdrawn_at IS NULL
              AND NOT EXISTS (
                SELECT FROM tasks_pair p WHERE p.campaign_id = %(campaign)s
                  AND p.image_id = i.id AND p.label_id = i.dataset_label_id)
            """,
            {"dataset": campaign.dataset_id, "campaign": campaign.pk},
        )
        return cursor.fetchall()


def of_one_object(
    campaign: Campaign, asked: set[int], of_source: Sequence[CountedPair], seed: int
) -> list[Control]:
    """CLASSIFY controls: images not asked, with one settled label and a settled foil (rule K6)."""
    by_image: dict[int, dict[bool, list[int]]] = defaultdict(lambda: {True: [], False: []})
    for (image, label), present in sorted(settled(campaign, of_source).items()):
        if image not in asked:
            by_image[image][present].append(label)
    rng = random.Random(seed)
    controls = []
    for image, labels in by_image.items():
        if len(labels[True]) == 1 and labels[False]:
            foils = rng.sample(
                labels[False], min(len(labels[False]), max(campaign.max_offered - 1, 1))
            )
            controls.append(Control(image, labels[True][0], True, foils=tuple(foils)))
    rng.shuffle(controls)
    return controls
