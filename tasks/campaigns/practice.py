"""Draws the items of a campaign's practice from the known answers, when it is published (V7)."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from django.db.models import QuerySet

from tasks import money
from tasks.models import (
    Campaign,
    CampaignLabel,
    KnownAnswer,
    Pair,
    PracticeHIT,
    PracticeItem,
)
from tasks.models.refused import Refused

LABELS = 4  # of a try, about; fewer where two pictures of each kind already fill it


class Known(NamedTuple):
    """A known answer that workers may practise on."""

    image_id: int
    label_id: int
    present: bool
    explanation: str


def lay_out_practice(campaign: Campaign) -> None:
    """Draw and store the HITs of all tries, and freeze their labels' texts.

    After the campaign's pairs are frozen, since none of them is practised on, and before its
    controls are drawn. Raises Refused if the known answers are too few.
    """
    if not campaign.practice:
        return
    size, tries = campaign.practice["items"], campaign.practice["tries"]
    asked = Pair.objects.filter(campaign=campaign)
    pairs = set(asked.values_list("image_id", "label_id"))
    rows = (
        usable_answers(campaign)
        .order_by("pk")
        .values_list("image_id", "label_id", "present", "explanation")
    )
    usable = [answer for answer in map(Known._make, rows) if answer[:2] not in pairs]
    drawn = draw(usable, size, tries, {label for _, label in pairs}, campaign.seed)
    if any(len(items) < size for items in drawn):
        present = sum(answer.present for answer in usable)
        raise Refused(
            f"campaign {campaign.slug} cannot be published:"
            f" {shortage(campaign, present, len(usable) - present)}"
        )
    for number, items in enumerate(drawn, start=1):
        _store(campaign, number, items)


def usable_answers(campaign: Campaign) -> QuerySet[KnownAnswer]:
    """The known answers for its dataset's images, less those withdrawn."""
    return KnownAnswer.objects.filter(dataset=campaign.dataset_id, image__withdrawn_at=None)


def shortage(campaign: Campaign, present: int, absent: int) -> str:
    """What the practice needs and what there is of it, as a clause."""
    size, tries = campaign.practice["items"], campaign.practice["tries"]
    return (
        f"its practice needs known answers for pairs that it does not ask, each try of"
        f" {size} different images: {tries * (size // 2):,} present and"
        f" {tries * (size - size // 2):,} absent; there are {present:,} and {absent:,}"
        " (manage.py import_known_answers adds more)"
    )


def too_little_known(campaign: Campaign) -> str:
    """That the dataset's known answers cannot fill the practice, as a clause; "": they may."""
    if not campaign.practice:
        return ""
    size, tries = campaign.practice["items"], campaign.practice["tries"]
    known = Counter(usable_answers(campaign).values_list("present", flat=True))
    enough = known[True] >= tries * (size // 2) and known[False] >= tries * (size - size // 2)
    return "" if enough else shortage(campaign, known[True], known[False])


def draw(
    known: Sequence[Known], size: int, tries: int, asked: set[int], seed: int
) -> list[list[Known]]:
    """The items of each try: half of them present, of an odd number the smaller half.

    Labels that the campaign asks (`asked`) come first, and those with many answers of both kinds:
    a try has few labels with several pictures each, as HITs have. No image is twice in a try, and
    in a later one only where the fresh images run out. A try may come out short, where the known
    answers are too few.
    """
    rng = random.Random(seed)
    counts = Counter((answer.label_id, answer.present) for answer in known)
    labels = sorted({answer.label_id for answer in known})
    rng.shuffle(labels)
    labels.sort(
        key=lambda label: (label not in asked, -min(counts[label, True], counts[label, False]))
    )
    rank = {label: number for number, label in enumerate(labels)}
    left = list(known)
    rng.shuffle(left)
    left.sort(key=lambda answer: rank[answer.label_id])
    drawn = []
    seen: set[int] = set()  # images of the tries so far
    for _ in range(tries):
        items = _one_try(left, {True: size // 2, False: size - size // 2})
        taken = set(items)
        seen |= {answer.image_id for answer in items}
        left = [answer for answer in left if answer not in taken]
        left.sort(key=lambda answer: (answer.image_id in seen, rank[answer.label_id]))
        drawn.append(sorted(items, key=lambda answer: rank[answer.label_id]))
    return drawn


def _one_try(known: Iterable[Known], wanted: dict[bool, int]) -> list[Known]:
    size = sum(wanted.values())
    most = max(2, math.ceil(size / (2 * LABELS)))  # of a label and kind, as far as others exist
    items: list[Known] = []
    images: set[int] = set()
    of_kind: Counter[bool] = Counter()
    of_label: Counter[tuple[int, bool]] = Counter()
    for at_most in (most, size):
        for answer in known:
            kind = answer.label_id, answer.present
            if (
                answer.image_id not in images
                and of_kind[answer.present] < wanted[answer.present]
                and of_label[kind] < at_most
            ):
                items.append(answer)
                images.add(answer.image_id)
                of_kind[answer.present] += 1
                of_label[kind] += 1
    return items


def _store(campaign: Campaign, number: int, items: Sequence[Known]) -> None:
    seconds = money.expected_seconds(campaign.kind, len(items))
    hit = PracticeHIT.objects.create(
        campaign=campaign,
        number=number,
        expected_seconds=seconds,
        reward=money.reward_of(campaign, seconds),
    )
    sections = groupby(items, key=lambda answer: answer.label_id)
    in_sections = [(n, answer) for n, (_, group) in enumerate(sections) for answer in group]
    PracticeItem.objects.bulk_create(
        PracticeItem(hit=hit, position=position, section=section, **answer._asdict())
        for position, (section, answer) in enumerate(in_sections)
    )
    labels = campaign.dataset.labels.filter(pk__in={answer.label_id for answer in items})
    CampaignLabel.objects.bulk_create(
        [CampaignLabel.frozen(campaign, label) for label in labels], ignore_conflicts=True
    )
