"""A view: some of a study's images in the explorer's order, as a URL says; the URL again from it.

A page makes one by `View.asked_for`, shows a `page` of it, and carries its `query` in its links.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

import numpy as np
from django.http import QueryDict
from numpy.typing import NDArray

from annotation.explorer.columns import GROUPS, Bools, Columns
from annotation.explorer.filters import BadFilter, Filters, bound, named_in
from annotation.explorer.keeping import kept_or_made
from annotation.explorer.masks import (
    Ints,
    any_of,
    disagreement_mask,
    keys_with,
    models_mask,
    models_right,
    objects_mask,
)
from annotation.report.campaigns import Campaigns, NoStudy, study_seen
from annotation.rights import RESEARCH, may
from imagesets.models import Dataset, Image, Label
from tasks.models import Campaign

PAGE = 48  # images


@dataclass(frozen=True)
class Page:
    """Some images that stand together in a view. first: the number of the first, from 1."""

    ids: list[int]
    first: int
    before: bool
    after: bool

    @property
    def last(self) -> int:
        return self.first + len(self.ids) - 1


class View:
    """The images of a study that pass some filters, the worst disagreement first, then by key."""

    def __init__(
        self,
        dataset: Dataset,
        campaigns: Campaigns,
        columns: Columns,
        filters: Filters,
        campaign: str | None = None,
        current: bool = True,
    ) -> None:
        self.dataset = dataset
        self.contains, self.classify = campaigns
        self.columns = columns
        self.filters = filters
        self.campaign = campaign  # the slug that its URL names
        self.current = current  # or a newer one is being made
        self._labels, self._classifiers = named_in(filters, dataset)

    @classmethod
    def asked_for(cls, user: Any, dataset: Dataset, query: QueryDict) -> "View":
        """The view that the query of a URL asks for.

        `campaign` names the study, as for the report; without it the newest that has ended, and
        where none has, the dataset's images alone. Raises Http404 where the user does not see the
        study, BadFilter, NotReady and Failed.
        """
        for name, values in query.lists():
            if any("\0" in value for value in values):
                raise BadFilter(name, f"{name[:60]} holds a character that no text has.")
        slug = query.get("campaign") or None
        try:
            campaigns = study_seen(user, dataset, slug)
        except NoStudy:
            campaigns = (None, None)
        filters = Filters.of_query(query)
        if filters.withdrawn and not may(user, RESEARCH, dataset):
            raise BadFilter("withdrawn", "Withdrawn images are listed for researchers alone.")
        return cls.of_study(dataset, campaigns, filters, slug)

    @classmethod
    def of_study(
        cls, dataset: Dataset, campaigns: Campaigns, filters: Filters, slug: str | None
    ) -> "View":
        """The view of a study that is at hand; `slug`: the campaign that its URL names.

        Raises BadFilter, NotReady and Failed.
        """
        kept, current = kept_or_made(dataset, campaigns)
        return cls(dataset, campaigns, Columns(kept), filters, slug, current)

    # Its URL

    def query(self, filters: Filters | None = None, **more: str | None) -> str:
        """The part of a URL behind "?" that asks for this view (or for other filters) again;
        `more`: further parameters, without those that are None."""
        text = (filters or self.filters).query(campaign=self.campaign)
        rest = QueryDict(mutable=True)
        rest.update({name: value for name, value in more.items() if value is not None})
        return "&".join(filter(None, (text, rest.urlencode())))

    # Its images

    def labels_of(self, name: str) -> list[int]:
        """The ids of the labels that a filter names."""
        value = getattr(self.filters, name)
        return [self._labels[key] for key in ([value] if name == "of" else value)]

    @cached_property
    def label_names(self) -> dict[str, str]:
        """First names of the labels that the filters name, by what they say."""
        labels = Label.objects.in_bulk(set(self._labels.values()))
        return {word: labels[pk].names[0] for word, pk in self._labels.items() if pk in labels}

    @property
    def campaigns(self) -> list[Campaign]:
        """The study's campaigns, one or two; none: the dataset's images without a study."""
        return [each for each in (self.contains, self.classify) if each is not None]

    @cached_property
    def masks(self) -> dict[str, Bools]:
        """By filter in use: which images pass it."""
        names = {_TOGETHER.get(name, name) for name in self.filters.in_use}
        return {name: getattr(self, f"_{name}")() for name in sorted(names)}

    @cached_property
    def mask(self) -> Bools:
        """Which of the study's images are in the view."""
        return self.mask_without()

    def mask_without(self, *names: str) -> Bools:
        """Which would be without these filters."""
        masks = [mask for name, mask in self.masks.items() if name not in names]
        return reduce(np.logical_and, masks, self.listed)

    @cached_property
    def withdrawn(self) -> Bools:
        """Which of the study's images were withdrawn."""
        gone = self.dataset.images.filter(withdrawn_at__isnull=False).order_by()
        return np.isin(self.columns.of("image"), list(gone.values_list("pk", flat=True)))

    @property
    def listed(self) -> Bools:
        """Which of the study's images lists show at all: those not withdrawn, or these alone."""
        return self.withdrawn if self.filters.withdrawn else ~self.withdrawn

    @property
    def of(self) -> int:
        """How many images it would have without filters."""
        return int(np.count_nonzero(self.listed))

    @cached_property
    def places(self) -> Ints:
        """The places of its images among the study's, ascending."""
        return np.flatnonzero(self.mask)

    def __len__(self) -> int:
        return int(self.places.size)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of all its images, in order."""
        return self.columns.of("image")[self.places]

    def page(self, after: int | None = None, before: int | None = None, size: int = PAGE) -> Page:
        """The images behind an image of the study (its id), or in front of one; else the first.

        An image that the study no longer has counts as in front of all.
        """
        if before is not None:
            end = int(np.searchsorted(self.places, self._place(before)))
            start = max(0, end - size)
            if start == 0:  # a whole page all the same
                end = min(size, len(self))
        else:
            start = 0
            if after is not None:
                start = int(np.searchsorted(self.places, self._place(after), side="right"))
            end = min(start + size, len(self))
        ids = self.columns.of("image")[self.places[start:end]].tolist()
        return Page(ids, start + 1, start > 0, end < len(self))

    def around(self, image: int) -> tuple[int | None, int | None, int | None]:
        """(the number of an image in the view from 1, the id before it, the id behind it); the
        number is None for an image that is not in it, and all are for one not of the study."""
        place = self._place(image)
        if place < 0:
            return None, None, None
        at = int(np.searchsorted(self.places, place))
        within = at < len(self) and self.places[at] == place
        ids = self.columns.of("image")
        before = int(ids[self.places[at - 1]]) if at > 0 else None
        behind = at + 1 if within else at
        after = int(ids[self.places[behind]]) if behind < len(self) else None
        return (at + 1 if within else None), before, after

    def has(self, image: int) -> bool:
        """Whether the study has it, whatever the filters say."""
        return self._place(image) >= 0

    def _place(self, image: int) -> int:
        found = np.flatnonzero(self.columns.of("image") == image)
        return int(found[0]) if found.size else -1

    def places_of(self, ids: Sequence[int]) -> dict[int, int]:
        """The places of these images among the study's, by id."""
        column = self.columns.of("image")
        places = np.flatnonzero(np.isin(column, ids))
        return dict(zip(column[places].tolist(), places.tolist(), strict=True))

    def images(self, ids: list[int]) -> list[Image]:
        """The images of these ids, in their order, with their dataset labels."""
        images = Image.objects.select_related("dataset_label").in_bulk(ids)
        return [images[pk] for pk in ids if pk in images]

    # What its filters mean: a method each

    def _withdrawn(self) -> Bools:
        return self.listed

    def _group(self) -> Bools:
        wanted = [GROUPS.index("" if value == "none" else value) for value in self.filters.group]
        return np.isin(self.columns.of("group"), wanted)

    def _objects(self) -> Bools:
        return any_of(objects_mask(self.columns, value) for value in self.filters.objects)

    def _disagreement(self) -> Bools:
        return any_of(disagreement_mask(self.columns, value) for value in self.filters.disagreement)

    def _models(self) -> Bools:
        told = models_right(self.columns)
        return any_of(models_mask(told, value) for value in self.filters.models)

    def _label(self) -> Bools:
        return np.isin(self.columns.of("label"), self.labels_of("label"))

    def _main(self) -> Bools:
        return np.isin(self.columns.of("main"), self.labels_of("main"))

    def _shows(self) -> Bools:
        masks = []
        for label in self.labels_of("shows"):
            pairs = self.columns.pairs_of(label)
            half = pairs[(2 * pairs["selected"] >= pairs["shown"]) & (pairs["shown"] > 0)]
            mask = np.zeros(self.columns.n, bool)
            mask[half["place"]] = True
            masks.append(mask)
        return reduce(np.logical_and, masks)

    def _right(self) -> Bools:
        return self._all_are("right", True, self.filters.right)

    def _wrong(self) -> Bools:
        return self._all_are("right", False, self.filters.wrong)

    def _all_are(self, column: str, said: bool, names: tuple[str, ...]) -> Bools:
        masks = [np.ones(self.columns.n, bool)]
        for name in names:
            pk = self._classifiers[name]
            if pk not in self.columns.classifiers:
                return np.zeros(self.columns.n, bool)  # it has predicted nothing
            number = self.columns.classifiers.index(pk)
            predicted = self.columns.of_classifier("predicted", number)
            masks += [predicted, self.columns.of_classifier(column, number) == said]
        return reduce(np.logical_and, masks)

    def _sf(self) -> Bools:
        counts = self._counted()
        selected, shown = (counts[name].astype(np.int64) for name in ("selected", "shown"))
        mask = shown > 0
        if (low := bound(self.filters, "sf_from")) is not None:
            mask &= selected * low.denominator >= shown * low.numerator
        if (high := bound(self.filters, "sf_to")) is not None:
            mask &= selected * high.denominator <= shown * high.numerator
        return self._spread(counts, mask)

    def _posterior(self) -> Bools:
        counts = self._counted()
        posterior = counts["posterior"]
        low, high = (bound(self.filters, f"posterior_{name}") for name in ("from", "to"))
        with np.errstate(invalid="ignore"):
            mask = posterior >= float(low or Fraction(0))
            mask &= posterior <= float(high if high is not None else Fraction(1))
        return self._spread(counts, mask)

    def _counted(self) -> Any:
        """Columns `selected`, `shown`, `posterior` of the dataset label, or of the label `of`."""
        if self.filters.of:
            return self.columns.pairs_of(self.labels_of("of")[0])
        names = ["selected", "shown", "posterior"]
        return dict(zip(names, self.columns.read(names), strict=True))

    def _spread(self, counts: Any, mask: Bools) -> Bools:
        """A mask of a label's pairs as one of images."""
        if not self.filters.of:
            return mask
        whole = np.zeros(self.columns.n, bool)
        whole[counts["place"][mask]] = True
        return whole

    def _text(self) -> Bools:
        text = self.filters.text.casefold()
        named = [
            pk
            for pk, names in self.dataset.labels.values_list("pk", "names")
            if any(text in name.casefold() for name in names)
        ]
        return keys_with(self.columns.of("keys"), text, self.columns.n) | np.isin(
            self.columns.of("label"), named
        )


_TOGETHER = {
    **dict.fromkeys(("sf_from", "sf_to"), "sf"),
    **dict.fromkeys(("posterior_from", "posterior_to"), "posterior"),
}
