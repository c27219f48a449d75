"""Views: what each filter lets through, in which order, page by page, and how many are left."""

import random
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict

from annotation.explorer.columns import GROUPS
from annotation.explorer.facets import facets_of
from annotation.explorer.filters import CHOICES, BadFilter, Filters
from annotation.explorer.view import View
from imagesets.models import Dataset
from tasks.models import Campaign
from tests.studies.explored_studies import Row, make_explored_study, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def study(module_db) -> tuple[Campaign, Campaign]:
    return make_explored_study()


@pytest.fixture
def rows(study) -> list[Row]:
    contains, form = study
    return rows_of(contains.dataset, contains, form)


@pytest.fixture
def dataset(study) -> Dataset:
    return study[0].dataset


def view_of(dataset: Dataset, query: str = "") -> View:
    return View.asked_for(User(is_superuser=True), dataset, QueryDict(query))


def keys(view: View) -> list[str]:
    return [image.key for image in view.images(view.ids.tolist())]


def by_definition(rows: list[Row], filters: Filters, leave_out: str = "") -> list[str]:
    """The keys of the images that the filters let through, one image and value at a time."""
    kept = []
    for row in rows:
        passes = [not row.withdrawn] if not filters.withdrawn else []
        for name in filters.in_use:
            value = getattr(filters, name)
            values = [value] if isinstance(value, str) else value
            every = all if name in ("shows", "right", "wrong") else any
            passes.append(every(row.passes(name, each, filters.of) for each in values))
        if all(passes):
            kept.append(row.key)
    return kept


def at_random(rng: random.Random, rows: list[Row]) -> Filters:
    """A few filters with values that this study has, or might have."""
    labels = sorted({key for row in rows for key in row.counts})
    values = {
        **{name: sorted(choices) for name, choices in CHOICES.items()},
        **dict.fromkeys(("label", "shows", "main"), labels),
        **{name: ["first", "second"] for name in ("right", "wrong")},
        **{name: ["0", ".2", "0.5"] for name in ("sf_from", "posterior_from")},
        **{name: ["0.5", "0.8", "1"] for name in ("sf_to", "posterior_to")},
        "text": ["01", "THING 3", ".jpg", "x"],
        "of": labels,
    }
    given = QueryDict(mutable=True)
    for name in rng.sample(sorted(values), rng.choice([1, 1, 2, 3])):
        many = 1 if name in ("text", "of") or "_" in name else rng.choice([1, 1, 2])
        given.setlist(name, rng.sample(values[name], min(many, len(values[name]))))
    return Filters.of_query(given)


def test_the_worst_disagreement_comes_first_then_by_key(dataset, rows):
    assert keys(view_of(dataset)) == [row.key for row in rows]
    assert len({row.disagreement for row in rows}) > 4
    assert rows[-1].disagreement is None  # the image without a dataset label


def test_a_view_holds_what_its_filters_say(dataset, rows):
    for row in rows[1:4:2]:  # no view holds them but one that asks for them
        row.withdrawn = True
        gone = {"withdrawn_at": "2026-01-01T00:00Z", "withdrawn_by": "a", "withdrawn_why": "b"}
        dataset.images.filter(key=row.key).update(**gone)
    rng, sizes = random.Random(32), set()
    for _ in range(150):
        filters = at_random(rng, rows)
        view = view_of(dataset, filters.query())
        assert keys(view) == by_definition(rows, filters), filters
        sizes.add(len(view))
    assert len(sizes) > 10


def test_its_url_asks_for_the_same_view_again(dataset, rows):
    rng = random.Random(33)
    for _ in range(50):
        filters = at_random(rng, rows)
        view = view_of(dataset, f"campaign={dataset.slug}-form&{filters.query()}")
        again = view_of(dataset, view.query())
        assert (again.filters, again.campaign) == (filters, f"{dataset.slug}-form")


def test_a_facet_counts_what_choosing_it_would_leave(dataset, rows):
    rng, counted = random.Random(34), 0
    for _ in range(25):
        filters = at_random(rng, rows)
        view = view_of(dataset, filters.query())
        for facet in facets_of(view):
            listed = {choice.value: choice.images for choice in facet.choices}
            for value in CHOICES.get(facet.name, listed):
                alone = filters.without(facet.name).with_value(facet.name, value)
                assert listed.get(value, 0) == len(by_definition(rows, alone)), (filters, value)
                counted += 1
    assert counted > 300


def test_pages_follow_each_other_both_ways(dataset):
    view = view_of(dataset, "models=some&models=no")
    every, size = view.ids.tolist(), 5
    forth, after = [], None
    while True:
        page = view.page(after=after, size=size)
        assert page.first == len(forth) + 1
        forth += page.ids
        if not page.after:
            break
        after = page.ids[-1]
    assert forth == every
    assert len(every) > 2 * size
    before = view.page(before=every[2 * size], size=size)
    assert (before.ids, before.before, before.after) == (every[size : 2 * size], True, True)


def test_a_page_may_begin_behind_an_image_that_left_the_view(dataset):
    whole, view = view_of(dataset), view_of(dataset, "models=no")
    out = next(pk for pk in whole.ids.tolist() if pk not in view.ids.tolist())
    behind = whole.ids.tolist()[whole.ids.tolist().index(out) :]
    assert view.page(after=out).ids == [pk for pk in view.ids.tolist() if pk in behind]


def test_an_image_knows_its_neighbours_in_the_view(dataset):
    view = view_of(dataset, "disagreement=some&disagreement=half")
    ids = view.ids.tolist()
    for number, (one, other) in enumerate(pairwise(ids), start=1):
        assert view.around(one)[0] == number
        assert view.around(one)[2] == other
        assert view.around(other)[1] == one
    assert view.around(ids[0])[1] is None
    assert view.around(ids[-1])[2] is None


def test_a_label_may_be_named_by_its_name(dataset):
    assert keys(view_of(dataset, "label=thing+2")) == keys(view_of(dataset, "label=n00000002"))
    dataset.labels.filter(key="n00000003").update(names=["thing 2"])
    with pytest.raises(BadFilter, match=r"more than one label \(n0+2, n0+3\)"):
        view_of(dataset, "label=thing+2")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("group=best", "group is one of fu, mis, easy, amb, none, not “best”."),
        ("objects=-1", "objects is one of 0, 1, 2, 3, 4, none, not “-1”."),
        ("label=elephant", "label: this dataset has no label “elephant”."),
        ("right=third", "right: this dataset has no classifier “third”."),
        ("sf_from=much", "sf_from is a number from 0 to 1, not “much”."),
        ("sf_to=1.01", "sf_to is a number from 0 to 1, not “1.01”."),
        ("sf_to=1e-3", "sf_to is a number from 0 to 1, not “1e-3”."),
        ("sf_from=nan", "sf_from is a number from 0 to 1, not “nan”."),
        ("posterior_from=0.9&posterior_to=0.1", "posterior_from 0.9 is above posterior_to 0.1."),
        ("text=a%00b", "text holds a character that no text has."),
        ("text=a&text=b", "text is given 2 times."),
    ],
)
def test_a_filter_that_cannot_be_is_named(dataset, query, says):
    with pytest.raises(BadFilter) as refused:
        view_of(dataset, query)
    assert str(refused.value) == says


def test_without_classify_the_frequencies_decide(study, rows):
    contains, form = study
    frozen = {group: set(keys(view_of(contains.dataset, f"group={group}"))) for group in GROUPS[1:]}
    Campaign.objects.filter(pk=form.pk).update(state="draft")
    view = view_of(contains.dataset)
    assert view.classify is None
    for row in rows:
        row.result = None
    by_frequency = sorted(
        rows, key=lambda row: (row.disagreement is None, -(row.disagreement or 0), row.key)
    )
    assert keys(view) == [row.key for row in by_frequency] != [row.key for row in rows]
    # As CLASSIFY, which kept the defaults, found them.
    for group, images in frozen.items():
        assert set(keys(view_of(contains.dataset, f"group={group}"))) == images
    assert sum(map(bool, frozen.values())) > 2
