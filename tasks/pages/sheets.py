"""A HIT as one worker sees it: sections, tiles and labels in their order, under opaque ids.

The ids (tasks/models/opaque.py) reveal no position, label or control, and no two workers see the
same id for an item.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from imagesets.models import Label
from imagesets.pictures.derivatives import image_urls
from tasks.models import HIT, Assignment, Campaign, CampaignLabel, Pair, PracticeHIT, Work
from tasks.models.campaign import Kind
from tasks.models.opaque import opaque
from tasks.models.spoken import Spoken, plain_language
from tasks.work.reporting import is_reported, reasons_of

CARD_TILES = 4  # sections of up to so many tiles are shown as cards (rule L10)


class Item(NamedTuple):
    """A HIT's item with what a page needs of its image."""

    position: int
    section: int
    label_id: int | None
    image_id: int
    public_id: str
    pictures_in_bucket: int
    width: int
    height: int
    is_withdrawn: bool = False
    is_reported: bool = False  # by the assignment's worker, in it or ever before


COLUMNS: tuple[str, ...] = ("position", "section", "label_id", "image_id")
COLUMNS += tuple(f"image__{name}" for name in Item._fields[len(COLUMNS) : -2])
IS_WITHDRAWN = Q(image__withdrawn_at__isnull=False)
FIRST_ROW: dict[str, int] = {Kind.CONTAINS: 8, Kind.CLASSIFY: 1}  # pictures at the top of a page


@dataclass(frozen=True)
class ShownLabel:
    """A label as it was frozen for the campaign's workers, in the page's language."""

    label_id: int
    names: list[str]
    definition: Spoken
    wikipedia: list[str]
    language: str = "en"  # of the names

    @classmethod
    def of(cls, label_id: int, texts: CampaignLabel | Label, campaign: Campaign) -> "ShownLabel":
        """With the names and definition of the page's language, where there are such."""
        here = str(get_language())
        own = texts.translations.get(here, {})
        plain = plain_language(texts.translations, campaign.languages)
        names, definition = own.get("names"), own.get("definition")
        return cls(
            label_id,
            names or texts.names,
            Spoken(definition or texts.definition, here if definition else plain),
            texts.wikipedia,
            here if names else plain,
        )

    @property
    def name(self) -> Spoken:
        """All names, the first first: "Lhasa or Lhasa apso"."""
        both = _("{first} or {second}")
        joined = reduce(lambda first, second: both.format(first=first, second=second), self.names)
        return Spoken(joined, self.language)

    @property
    def strong(self) -> SafeString:
        """The name as a question emphasises it."""
        return format_html('<strong class="label-name"{}>{}</strong>', self.name.marked, self.name)


@dataclass
class AnyPicture:
    """A picture on the page. Its texts are made here: cheap, since a page has many."""

    id: str
    position: int
    number: int  # from 1, over the whole HIT, in the order shown
    item: Item  # its width and height reserve space on the page
    unseen: bool = field(default=False, kw_only=True)
    reported: bool = field(default=False, kw_only=True)
    reason: str = field(default="", kw_only=True)  # for the report
    hidden: bool = field(default=False, kw_only=True)  # withdrawn, or reported before: not shown
    chosen: bool = field(default=False, kw_only=True)  # by the worker, though hidden since
    error: str = field(default="", kw_only=True)

    @property
    def is_shown(self) -> bool:
        """Whether it is not withdrawn, and the worker has reported it neither now nor before."""
        return not (self.reported or self.hidden)

    @property
    def is_unseen(self) -> bool:
        """Whether there is no response to it."""
        return self.unseen or not self.is_shown

    @property
    def tile_url(self) -> str:
        return image_urls(self.item)[0]

    @property
    def full_url(self) -> str:
        return image_urls(self.item)[1]

    @property
    def name(self) -> str:
        return _("Picture {number}").format(number=self.number)

    @property
    def not_loaded(self) -> str:
        return _("Picture {number} did not load").format(number=self.number)

    @property
    def report(self) -> SafeString:
        """The button that reports it, for screen readers with its number; `undo` likewise."""
        text = _('Report<span class="unseen-text"> picture {number}</span>')
        return mark_safe(text.format(number=self.number))

    @property
    def undo(self) -> SafeString:
        text = _('Undo<span class="unseen-text"> the report of picture {number}</span>')
        return mark_safe(text.format(number=self.number))


@dataclass
class Tile(AnyPicture):
    """CONTAINS: one picture under a label, and what the worker chose for it."""

    selected: bool = False
    maybe: bool = False


@dataclass
class Section:
    """CONTAINS: one label's tiles."""

    id: str
    number: int
    label: ShownLabel
    tiles: list[Tile]
    none: bool = False
    error: str = ""

    @property
    def is_card(self) -> bool:
        """Whether the section is shown as a card, not as a grid; kept with the answer."""
        return len(self.tiles) <= CARD_TILES


@dataclass
class Choice:
    """CLASSIFY: one label offered for a picture."""

    id: str
    label: ShownLabel
    selected: bool = False
    main: bool = False


@dataclass
class Picture(AnyPicture):
    """CLASSIFY: one picture with the labels offered for it, in the order shown."""

    offered: list[Choice]
    none: bool = False
    other: str = ""


@dataclass
class Sheet:
    """The whole page: `sections` (CONTAINS) or `pictures` (CLASSIFY)."""

    campaign: Campaign
    hit: HIT | PracticeHIT
    key: str  # the assignment's; empty in a preview
    work: Work | None = None  # None: a preview
    sections: list[Section] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    comment: str = ""
    active_seconds: str = ""  # of the form, like its conditions; so that counting goes on
    conditions: str = ""
    revision: int = 0  # of the draft that it was filled in from; 0: none
    expired: bool = False
    errors: list[str] = field(default_factory=list)  # of the form as a whole

    @property
    def is_preview(self) -> bool:
        """Whether it can only be looked at: nobody has accepted it, or its time is over."""
        return not self.key or self.expired

    @property
    def is_emptied(self) -> bool:
        """Whether all of its pictures were withdrawn: nothing is left to be asked."""
        shown = self.at.values()
        return bool(shown) and all(each.item.is_withdrawn for each in shown)

    @property
    def tiles(self) -> list[Tile]:
        """All tiles, in the order shown."""
        return [tile for section in self.sections for tile in section.tiles]

    @property
    def at(self) -> dict[int, AnyPicture]:
        """All tiles or pictures by position."""
        items: list[AnyPicture] = [*self.tiles, *self.pictures]
        return {item.position: item for item in items}

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Everything wrong, in the page's order: (id of the element or "", sentence)."""
        return [("", text) for text in self.errors] + [
            (element.id, element.error) for element in self._elements() if element.error
        ]

    @property
    def first_pictures(self) -> list[str]:
        """The addresses of the pictures at the top of the page."""
        first = FIRST_ROW[self.campaign.kind]
        tiles = [tile.tile_url for tile in self.tiles[:first] if not tile.is_unseen]
        return tiles or [shown.full_url for shown in self.pictures[:first] if not shown.is_unseen]

    def forget_problems(self) -> None:
        """Keep the choices, but say nothing of what is wrong with them."""
        self.errors = []
        for element in self._elements():
            element.error = ""

    def _elements(self) -> list[Section | AnyPicture]:
        elements: list[Section | AnyPicture] = [*self.pictures]
        for section in self.sections:
            elements += [section, *section.tiles]
        return elements


def first_pictures(assignment: Assignment) -> list[str]:
    """The addresses of the pictures at the top of the assignment's page, in its order."""
    kind = assignment.campaign.kind
    first = assignment.shown[: FIRST_ROW[kind]]
    shown = _items(assignment.hit, assignment.worker_id, position__in=first)
    items = {item.position: item for item in shown if not (item.is_reported or item.is_withdrawn)}
    urls = [image_urls(items[position]) for position in first if position in items]
    return [tile if kind == Kind.CONTAINS else full for tile, full in urls]


def sheet_of(work: Work) -> Sheet:
    """What the worker of an assignment, or of a try, sees. `work.hit` and `.campaign` are read."""
    sheet = _build(work.hit, work.campaign, work.token or "", work.shown, work.worker_id)
    sheet.work = work
    reported = [
        shown
        for shown in sheet.at.values()
        if shown.item.is_reported and not shown.item.is_withdrawn
    ]
    if reported:
        own = reasons_of(work)
        for shown in reported:
            shown.reported = shown.item.image_id in own
            shown.hidden = not shown.reported
            shown.reason = own.get(shown.item.image_id, "")
    return sheet


def preview_of(hit: HIT | PracticeHIT) -> Sheet:
    """What somebody sees before accepting the HIT: an order and ids that no worker gets."""
    name = hit.public_id if isinstance(hit, HIT) else str(hit)
    seed = random.Random(opaque("preview", name))
    sections: dict[int, list[int]] = {}
    for position, section in hit.items.order_by("position").values_list("position", "section"):
        sections.setdefault(section, []).append(position)
    order = list(sections.values())
    for positions in order:
        seed.shuffle(positions)
    seed.shuffle(order)
    shown = [position for positions in order for position in positions]
    sheet = _build(hit, hit.campaign, f"preview {name}", shown)
    sheet.key = ""
    return sheet


def _build(
    hit: HIT | PracticeHIT,
    campaign: Campaign,
    key: str,
    shown: list[int],
    worker: int | None = None,
) -> Sheet:
    items = {item.position: item for item in _items(hit, worker)}
    in_order = [items[position] for position in shown]
    sheet = Sheet(campaign, hit, key)
    if campaign.kind == Kind.CONTAINS:
        sheet.sections = _sections(campaign, key, in_order)
    else:
        sheet.pictures = _pictures(campaign, key, in_order)
    for shown_item in sheet.at.values():
        shown_item.hidden = shown_item.item.is_withdrawn
    return sheet


def _items(hit: HIT | PracticeHIT, worker: int | None, **which: object) -> list[Item]:
    kept = hit.items.filter(**which).order_by()
    rows = kept.annotate(is_withdrawn=IS_WITHDRAWN).values_list(
        *COLUMNS, "is_withdrawn", is_reported(worker)
    )
    return [Item(*row) for row in rows]


def _sections(campaign: Campaign, key: str, items: list[Item]) -> list[Section]:
    labels = _labels(campaign, {item.label_id for item in items if item.label_id is not None})
    sections: list[Section] = []
    number = 0
    for section, group in groupby(items, key=lambda item: item.section):
        tiles = []
        for item in group:
            number += 1
            tiles.append(Tile(opaque(key, "item", item.position), item.position, number, item))
        label_id = next(item.label_id for item in items if item.section == section)
        assert label_id is not None  # a CONTAINS item always has its label
        sections.append(
            Section(
                id=opaque(key, "section", section),
                number=len(sections) + 1,
                label=labels[label_id],
                tiles=tiles,
            )
        )
    return sections


def _pictures(campaign: Campaign, key: str, items: list[Item]) -> list[Picture]:
    offered: dict[int, list[int]] = {}
    pairs = Pair.objects.filter(campaign=campaign, image_id__in={item.image_id for item in items})
    for image_id, label_id in pairs.order_by("label_id").values_list("image_id", "label_id"):
        offered.setdefault(image_id, []).append(label_id)
    labels = _labels(campaign, {label for some in offered.values() for label in some})
    return [
        Picture(
            id=opaque(key, "item", item.position),
            position=item.position,
            number=number,
            item=item,
            offered=[
                Choice(opaque(key, "label", item.position, label_id), labels[label_id])
                for label_id in _order(key, item.position, offered.get(item.image_id, []))
            ],
        )
        for number, item in enumerate(items, start=1)
    ]


def _order(key: str, position: int, label_ids: list[int]) -> list[int]:
    """The labels in this assignment's order for the picture, the same on every load."""
    order = list(label_ids)
    random.Random(opaque(key, "order", position)).shuffle(order)
    return order


def _labels(campaign: Campaign, ids: Iterable[int]) -> dict[int, ShownLabel]:
    """Labels as frozen for this campaign; the dataset's own words for labels only in an import."""
    wanted = set(ids)
    frozen = CampaignLabel.objects.filter(campaign=campaign, label_id__in=wanted)
    labels = {row.label_id: ShownLabel.of(row.label_id, row, campaign) for row in frozen}
    if missing := wanted - set(labels):
        for label in Label.objects.filter(pk__in=missing):
            labels[label.pk] = ShownLabel.of(label.pk, label, campaign)
    return labels
