"""Labels and pairs of labels: searched, page by page, with the report's numbers; states."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import Http404
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.explorer import labels as list_of_labels
from annotation.explorer import pairs as gallery
from annotation.explorer.reported import label_named, reported
from annotation.report.campaigns import Campaigns
from annotation.report.document import report_of, text_of
from annotation.report.kept import SUBJECT, keep
from annotation.report.loading import load_study
from imagesets.models import Dataset, Image, Label
from imagesets.pictures.withdrawing import withdraw
from tasks.models import KeptReport, LabelPair, LabelResult, Transition
from tests.factories import make_dataset, make_user
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db
KEYS = ["n0", 'l"m', "α,β", "a/b?c#d"]


def report_on(dataset: Dataset, campaigns: Campaigns) -> None:
    study = load_study(dataset, *campaigns)
    keep(text_of(report_of(dataset, *campaigns, study=study)), campaigns, study)


@pytest.fixture(scope="module")
def dataset(module_db) -> Dataset:
    """A study of both kinds with its report; the last of its labels is no image's."""
    dataset = make_dataset(24, KEYS)
    Label.objects.create(dataset=dataset, key="x", names=["never seen"])
    report_on(dataset, make_answered_study(dataset))
    return dataset


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(make_user("reader", "viewer"))
    return client


def at(name: str, *args: str) -> str:
    return reverse(f"explorer-{name}", args=args)


def test_labels_are_searched_by_name_and_key_and_come_page_by_page(viewer, dataset, monkeypatch):
    def found(query: str) -> list[str]:
        page = viewer.get(at("labels", "small") + query)
        return [row.label.key for row in page.context["rows"]]

    assert found("?q=Thing 1") == ['l"m']
    assert found("?q=β") == ["α,β"]
    assert found("?q=thing nothing") == []
    assert "No label matches" in viewer.get(at("labels", "small") + "?q=zzz").content.decode()
    monkeypatch.setattr(list_of_labels, "LISTED", 2)
    for sort, wanted in (
        ("key", sorted([*KEYS, "x"])),
        *((name, _keys_by(name)) for name in ("sf", "agreement", "accuracy")),
    ):
        here, seen = f"?sort={sort}", []
        while here:
            page = viewer.get(at("labels", "small") + here)
            seen += [row.label.key for row in page.context["rows"]]
            here = page.context["more"]
        assert seen == wanted


def _keys_by(figure: str) -> list[str]:
    rows = LabelResult.objects.exclude(**{figure: None}).select_related("label")
    return [row.label.key for row in sorted(rows, key=lambda r: (getattr(r, figure), r.label.key))]


@pytest.mark.parametrize("key", KEYS)
def test_a_label_shows_its_images_its_texts_and_who_knows_it(viewer, dataset, key):
    label = dataset.labels.get(key=key)
    page = viewer.get(at("label", "small", key))
    text = page.content.decode()
    assert label.definition in text
    shown = [picture.drawn.key for picture in page.context["pictures"]]
    assert sorted(shown) == sorted(label.images.values_list("key", flat=True)) != []
    known = {each.name: (each.right, each.of) for each in page.context["accuracies"]}
    assert known == {"first": (6, 6), "second": (0, 6)}  # as make_dataset has it
    assert page.context["result"].images == 6
    (first, second) = page.context["accuracies"]
    assert 0 < first.low < first.high == 1
    assert 0 == second.low < second.high < 1


def test_every_count_leads_to_as_many_images(viewer, dataset):
    followed = 0
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.get(username="reader")
    for pair in LabelPair.objects.exclude(kind="beside").select_related("a", "b"):
        address = gallery.images_of(reported(request, dataset), pair)
        assert len(viewer.get(address).context["view"]) == pair.images > 0
        followed += 1
    for key in KEYS:
        for rival in viewer.get(at("label", "small", key)).context["rivals"]:
            for told, address in ((rival.mains, rival.mains_at), (rival.both, rival.both_at)):
                if address:
                    number = int(told.split()[0])
                    assert len(viewer.get(address).context["view"]) == number > 0
                    followed += 1
    assert followed > 10


def test_pairs_have_both_sides_and_come_page_by_page(viewer, dataset, monkeypatch):
    monkeypatch.setattr(gallery, "PAGE", 1)
    for kind in gallery.KINDS:
        here, seen = f"?kind={kind}", []
        while here:
            page = viewer.get(at("pairs", "small") + here)
            seen += [shown.pair for shown in page.context["pairs"]]
            for shown in page.context["pairs"]:
                for side in shown.sides:
                    keys = {picture.key for picture in side.pictures}
                    labelled = Image.objects.filter(dataset_label=side.label, key__in=keys)
                    assert len(keys) == labelled.count() > 0
            here = page.context["more"]
        assert seen == list(LabelPair.objects.filter(kind=kind).order_by("rank"))
        numbers = {title: number for title, _, number, _ in page.context["kinds"]}
        assert numbers[gallery.KINDS[kind][0]] == len(seen)
    assert LabelPair.objects.filter(kind="accepted").count() > 1
    page = viewer.get(at("pairs", "small") + "?kind=accepted&label=n0")
    assert all("n0" in (each.pair.a.key, each.pair.b.key) for each in page.context["pairs"])


@pytest.mark.parametrize("name", ["labels", "pairs"])
def test_they_say_which_study_they_are_of(viewer, dataset, name):
    page = viewer.get(at(name, "small"))
    assert page.context["campaigns"]
    for campaign in page.context["campaigns"]:
        assert f'<a href="/campaigns/{campaign.slug}/">' in page.content.decode()


def test_what_does_not_exist_and_whom_it_is_not_for(viewer, dataset, client):
    for address in (
        at("label", "small", "n99"),
        at("label", "small", "n0") + "%00/",
        at("pairs", "small") + "?label=n99",
        at("labels", "nothing"),
        at("labels", "small") + "?sort=sf&after=nothing",
    ):
        assert viewer.get(address).status_code == 404
    with pytest.raises(Http404):
        label_named(dataset, "\0")
    client.force_login(make_user("nobody"))
    for address in (at("labels", "small"), at("label", "small", "n0"), at("pairs", "small")):
        assert client.get(address).status_code == 404


def test_a_dataset_without_a_study_shows_its_labels_and_says_what_is_missing(viewer):
    make_dataset(4, 2, slug="bare")
    page = viewer.get(at("label", "bare", "n00000000"))
    assert "No campaign has ended yet" in page.content.decode()
    assert len(page.context["pictures"]) == 2
    assert {each.name: each.right for each in page.context["accuracies"]} == {
        "first": 2,
        "second": 0,
    }
    assert "No campaign has ended yet" in viewer.get(at("pairs", "bare")).content.decode()
    rows = viewer.get(at("labels", "bare")).context["rows"]
    assert [row.images for row in rows] == ["2", "2"]
    make_dataset(2, 1, slug="unpredicted", classifiers=())
    text = viewer.get(at("label", "unpredicted", "n00000000")).content.decode()
    assert "No classifier has predicted its images" in text
    Dataset.objects.create(slug="empty", name="Empty")
    assert "has no labels yet" in viewer.get(at("labels", "empty")).content.decode()


def test_a_report_that_failed_or_is_old_is_named(viewer, dataset):
    study = LabelPair.objects.all()[0].report.run.campaign
    LabelResult.objects.all().delete()
    assert "by an older version" in viewer.get(at("pairs", "small")).content.decode()
    KeptReport.objects.all().delete()
    assert "The report is being computed" in viewer.get(at("labels", "small")).content.decode()
    failed = {"subject": SUBJECT, "after": "failed", "who": "a test", "why": "a bad number"}
    Transition.objects.create(campaign=study, **failed)
    text = viewer.get(at("labels", "small")).content.decode()
    assert "could not be computed" in text
    assert "a bad number" in text
    study.runs.all().delete()
    assert "has no results yet" in viewer.get(at("labels", "small")).content.decode()


WALKED = ("imagesets_image", "tasks_pair", "tasks_pairresult", "models_inference_prediction")


@pytest.mark.parametrize("name", ["labels", "label", "pairs"])
def test_no_query_walks_a_table_that_grows_with_the_study(viewer, dataset, name):
    """Nor are there more of them: with indexes preferred, what is still walked has no index."""
    here = at(name, "small", *(["n0"] if name == "label" else []))
    viewer.get(here)  # lays the images out
    with CaptureQueriesContext(connection) as queries:
        viewer.get(here)
    assert len(queries) <= 40
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in queries:
            if not query["sql"].startswith(("SELECT", "\n    SELECT")):
                continue
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            for table in WALKED:
                assert f"Seq Scan on {table} " not in plan, f"{query['sql']}\n{plan}"


def test_a_withdrawn_image_is_on_none_of_these_pages(viewer, dataset):
    image = next(
        dataset.images.get(key=pair.pictures_a[0])
        for pair in LabelPair.objects.all()
        if pair.pictures_a
    )
    label = image.dataset_label
    assert label is not None
    pages = [at("labels", "small"), at("label", "small", label.key)]
    pages += [at("pairs", "small") + f"?kind={kind}" for kind in gallery.KINDS]
    tile = reverse("image-tile", args=[image.public_id])
    assert any(tile in viewer.get(page).content.decode() for page in pages)
    withdraw(image, "a test", "a face")
    for page in pages:
        text = viewer.get(page).content.decode()
        assert tile not in text
        assert f'alt="{image.key}"' not in text
