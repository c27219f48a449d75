"""The explorer's pages: cards, an image's page, lists, each state, and what they cost."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.explorer import keeping, view
from annotation.explorer.celery_tasks import keep_studies_of
from imagesets.models import Dataset, Image
from models_inference.models import Classifier, Prediction
from tasks.models import Assignment, Campaign, ImageResult, KeptStudy, PairResult, PictureReport
from tasks.results import aggregate
from tasks.work.stops import set_aside
from tests.factories import make_campaign, make_dataset, make_user, make_workers
from tests.studies.explored_studies import make_explored_study, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def study(module_db) -> tuple[Campaign, Campaign]:
    return make_explored_study()


@pytest.fixture
def dataset(study) -> Dataset:
    return study[0].dataset


@pytest.fixture
def viewer(client) -> Client:
    client.force_login(make_user("vera", "viewer"))
    return client


@pytest.fixture
def researcher() -> Client:
    client = Client()
    client.force_login(make_user("ada", "researcher"))
    return client


def images(dataset: Dataset) -> str:
    return f"/datasets/{dataset.slug}/images/"


def page_of(image: Image) -> str:
    return f"{images(image.dataset)}{image.public_id}/"


def says(response) -> str:
    """The page's words, without tags, its white space made single."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(text.split())


def test_a_card_says_what_was_found(viewer, study, dataset):
    rows = {row.key: row for row in rows_of(dataset, *study)}
    cards = viewer.get(images(dataset)).context["cards"]
    assert len(cards) == len(rows)
    for card in cards:
        row = rows[card.image.key]
        shown = {each.key: (each.selected, each.shown) for each in card.rows}
        for key, counts in shown.items():
            assert counts == row.counts.get(key, (0, 0))[:2]
        assert [each.key for each in card.rows if each.of_dataset] == [row.own] * bool(row.own)
        selected = {key for key, (chosen, *_) in row.counts.items() if chosen} | {row.own} - {None}
        assert len(card.rows) + card.more == len(selected)
        assert card.group == ("" if row.group == "none" else row.group)
        right = f"{sum(row.tops.values())} of {len(row.tops)} classifiers right"
        assert card.models == (right if row.own else "")
        if row.result:
            votes = re.findall(r"(\d+)(?:,|$)", card.main)
            assert sum(map(int, votes)) == row.result.workers
            assert len(card.objects) == len(row.result.objects_found)
            none = re.search(r"none of these (\d+)", card.main)
            assert int(none[1] if none else 0) == row.result.object_counts.get("0", 0)
    none_won = [row for row in rows.values() if row.result and row.result.num_objects == 0]
    assert any(row.mains for row in none_won)  # and some answers there name a label


def test_the_page_leads_on_and_back_and_keeps_its_filters(viewer, dataset, monkeypatch):
    monkeypatch.setattr(view.View.page, "__defaults__", (None, None, 5))
    first = viewer.get(images(dataset), {"models": "some"})
    later = viewer.get(f"{images(dataset)}?{first.context['later']}")
    assert later.context["page"].first == 6
    assert "models=some" in later.context["query"]
    back = viewer.get(f"{images(dataset)}?{later.context['earlier']}")
    assert back.context["page"].ids == first.context["page"].ids
    card = later.context["cards"][0]
    image = viewer.get(f"{page_of(card.image)}?{later.context['query']}")
    assert image.context["number"] == 6
    again = viewer.get(image.context["back"])
    assert again.context["cards"][0].image == card.image
    assert viewer.get(image.context["before"]).context["number"] == 5


def test_an_images_page_shows_every_answer(viewer, study, dataset):
    contains, form = study
    worker = Assignment.objects.filter(campaign=form).first().worker
    set_aside(form, worker, "careless", "rita")
    image = (
        ImageResult.objects.filter(campaign=form, num_objects__gt=1).earliest("image__key").image
    )
    PictureReport.objects.create(campaign=form, worker=worker, image=image, reason="a face")
    page = viewer.get(page_of(image))
    candidates = page.context["candidates"]
    assert candidates[0].row.key == image.dataset_label.key
    for candidate in candidates:
        said = {word: len(some) for word, some in candidate.said}
        result = PairResult.objects.get(
            pair__campaign=contains, pair__image=image, pair__label__key=candidate.row.key
        )
        assert said.get("selected", 0) == result.selected
        assert sum(said.values()) == result.shown
        assert candidate.sources
    responses = page.context["responses"]
    assert {each["worker"] for each in responses} == set(
        Assignment.objects.filter(campaign=form).values_list("worker__pseudonym", flat=True)
    )
    assert [each["worker"] for each in responses if each["apart"]] == [worker.pseudonym]
    assert {top.classifier: top.verdict for top in page.context["tops"]}["first"] == "right"
    text = says(page)
    assert f"{worker.pseudonym} reported the picture: “a face”" in text
    assert "rita: assignment" in text
    assert "counts to set aside (careless)" in text
    assert f"Asked about in {form.name} (CLASSIFY): group" in text
    assert worker.external_id not in text
    every = page.content.decode()
    for campaign in study:  # each name leads to its worker's page
        address = f"/campaigns/{campaign.slug}/workers/{worker.pseudonym}/"
        assert f'<a href="{address}">{worker.pseudonym}</a>' in every
        assert viewer.get(address).status_code == 200
    counts = page.context["found"].counts
    assert sum(int(part.split()[0]) for part in counts.split(", ")) == page.context["found"].workers


def test_lists_hold_the_view_in_its_order(viewer, dataset, study):
    query = "models=some&models=no"
    keys = json.loads(b"".join(viewer.get(f"/datasets/small/images.json?{query}")))
    table = b"".join(viewer.get(f"/datasets/small/images.csv?{query}")).decode()
    rows = {row.key: row for row in rows_of(dataset, *study)}
    read = list(csv.DictReader(io.StringIO(table)))
    shown = viewer.get(f"{images(dataset)}?{query}").context["cards"]
    assert [row["image"] for row in read] == keys == [card.image.key for card in shown]
    for line in read:
        row = rows[line["image"]]
        counts = row.counts.get(row.own or "", (0, 0, None))
        if row.disagreement is None:
            assert line["disagreement"] == ""
        else:
            assert (line["selected"], line["shown"]) == tuple(map(str, counts[:2]))
            assert float(line["disagreement"]) == pytest.approx(float(row.disagreement))
        assert int(line["classifiers_right"]) == sum(row.tops.values())
        assert line["group"] == row.group.replace("none", "")
        assert bool(json.loads(line["objects"])) == (line["num_objects"] not in ("", "0"))
    Image.objects.filter(key=keys[0]).update(key="=1+1.jpg")
    safe = b"".join(viewer.get(f"/datasets/small/images.csv?{query}&for=spreadsheets")).decode()
    assert "\n'=1+1.jpg," in safe


def test_a_view_is_asked_again(viewer, researcher, dataset):
    address = f"{images(dataset)}again/?disagreement=all&disagreement=half"
    assert viewer.get(address).status_code == 403
    page = researcher.get(address)
    keys = json.loads(page.context["keys"])
    assert 0 < len(keys) < dataset.images.count()
    begun = researcher.post("/campaigns/new/", {"of": "small", "images": page.context["keys"]})
    draft = Campaign.objects.latest("pk")
    assert begun["Location"] == f"/campaigns/{draft.slug}/steps/asked/"
    assert (draft.state, draft.images) == ("draft", keys)


@pytest.mark.parametrize(
    ("query", "says_so"),
    [
        ("group=best", "group is one of"),
        ("grup=fu", "There is no filter “grup”."),
        ("after=nobody", "after names no image of this dataset: “nobody”."),
        ("after=a%00b", "after holds a character"),
        ("campaign=%00", "campaign holds a character"),
        ("label=%00", "label holds a character"),
        ("sf_from=%EF%BC%91", "sf_from is a number from 0 to 1"),
    ],
)
def test_a_bad_value_gets_one_sentence(viewer, dataset, query, says_so):
    for address in (images(dataset), "/datasets/small/images.csv"):
        if "after" in query and address.endswith("csv"):
            continue
        page = viewer.get(f"{address}?{query}")
        assert page.status_code == 400
        assert says_so in says(page)


def test_empty_fields_of_the_form_leave_the_address(viewer, dataset):
    page = viewer.get(f"{images(dataset)}?text=&sf_from=&sf_to=0.5&label=")
    assert page["Location"] == f"{images(dataset)}?sf_to=0.5"


def test_nothing_matches(viewer, dataset):
    page = viewer.get(f"{images(dataset)}?text=no+such+image")
    assert page.status_code == 200
    assert "No image matches all of these filters. Show all images" in says(page)


def test_a_dataset_without_images_or_answers_says_so(viewer):
    Dataset.objects.create(slug="bare", name="Bare")
    assert "This dataset has no images yet" in says(viewer.get("/datasets/bare/images/"))
    fresh = make_dataset(5, 2, slug="fresh")
    page = viewer.get(images(fresh))
    assert "No campaign has ended yet" in says(page)
    assert len(page.context["cards"]) == 5
    one = says(viewer.get(page_of(fresh.images.first())))
    assert "first: rank 1, .60" in one
    campaign = make_campaign(fresh, slug="begun")
    page = viewer.get(f"{images(fresh)}?campaign=begun")
    assert f"No results yet: {campaign.name} has not been aggregated." in says(page)


def test_a_large_study_is_waited_for(viewer, dataset, monkeypatch):
    KeptStudy.objects.all().delete()
    queued = []
    monkeypatch.setattr(keeping, "SMALL", 3)
    monkeypatch.setattr(keeping, "queue", lambda *study: queued.append(study) or True)
    page = viewer.get(images(dataset))
    assert page.status_code == 202
    assert "are being laid out" in says(page)
    assert "data-again" in page.content.decode()
    contains, form = queued[0][1]
    form.transitions.create(subject="explorer", after="failed", who="nightly", why="No room.")
    page = viewer.get(images(dataset))
    assert (page.status_code, len(queued)) == (503, 2)
    assert "could not be laid out: No room." in says(page)
    keep_studies_of(contains.pk)
    assert viewer.get(images(dataset)).status_code == 200


def test_a_failure_is_told_and_logged_and_what_is_kept_stays(viewer, study, dataset, monkeypatch):
    _, form = study
    assert viewer.get(images(dataset)).status_code == 200

    def fail(*arguments):
        raise ArithmeticError("a column is too short")

    monkeypatch.setattr(keeping, "columns_of", fail)
    # The test's transaction would not survive a new connection.
    monkeypatch.setattr(BaseDatabaseWrapper, "close_if_unusable_or_obsolete", lambda self: None)
    Classifier.objects.filter(name="second").delete()
    page = viewer.get(images(dataset))
    assert "Newer results are being laid out" in says(page)
    assert len(page.context["cards"]) == dataset.images.count()
    KeptStudy.objects.all().delete()
    page = viewer.get(images(dataset))
    assert page.status_code == 503
    assert "could not be laid out: ArithmeticError: a column is too short" in says(page)
    assert form.transitions.filter(subject="explorer").first().after == "failed"


def test_new_results_and_new_classifiers_are_seen(viewer, study, dataset):
    _, form = study
    before = viewer.get(images(dataset)).context["view"]
    assert viewer.get(images(dataset)).context["view"].columns.study == before.columns.study
    for worker in make_workers(4)[:3]:
        set_aside(form, worker, "careless", "a test")
    aggregate(form)
    after = viewer.get(images(dataset)).context["view"]
    assert after.current
    assert after.columns.of("disagreement").tolist() != before.columns.of("disagreement").tolist()
    third = Classifier.objects.create(dataset=dataset, name="third")
    image = dataset.images.first()
    Prediction.objects.create(
        classifier=third, image=image, labels=[image.dataset_label_id], scores=[1.0]
    )
    assert len(viewer.get(f"{images(dataset)}?right=third").context["cards"]) == 1
    image = dataset.images.exclude(dataset_label=None).last()
    Prediction.objects.create(
        classifier=third, image=image, labels=[image.dataset_label_id], scores=[1.0]
    )
    assert len(viewer.get(f"{images(dataset)}?right=third").context["cards"]) == 2


def test_aggregation_in_the_queue_lays_the_images_out(study, dataset):
    contains, form = study
    KeptStudy.objects.all().delete()
    keep_studies_of(contains.pk)
    assert [kept.campaign for kept in KeptStudy.objects.all()] == [form]
    keep_studies_of(form.pk)
    assert [kept.campaign for kept in KeptStudy.objects.all()] == [form]


def test_queries_do_not_grow_with_the_study(viewer, study):
    make_explored_study(6, 6, slug="few")
    queries = {}
    for slug in ("few", "small"):
        image = Image.objects.filter(dataset__slug=slug).earliest("key")
        for name, address in {
            "all": f"/datasets/{slug}/images/",
            "filtered": f"/datasets/{slug}/images/?sf_from=0&right=first&text=0&posterior_to=1",
            "image": f"{page_of(image)}?text=0",
            "csv": f"/datasets/{slug}/images.csv",
        }.items():
            viewer.get(address)
            with CaptureQueriesContext(connection) as asked:
                b"".join(viewer.get(address))
            queries.setdefault(name, []).append(len(asked))
    assert all(abs(few - small) <= 2 for few, small in queries.values()), queries
    assert max(map(max, queries.values())) <= 45, queries


def test_strangers_and_people_of_other_campaigns_see_nothing(dataset, study):
    other = make_campaign(make_dataset(4, 2, slug="other"), slug="elsewhere")
    image = dataset.images.first()
    addresses = [images(dataset), page_of(image), "/datasets/small/images.csv"]
    stranger, neighbour = Client(), Client()
    neighbour.force_login(make_user("nils", "owner", other))
    for address in addresses:
        assert "/login/" in stranger.get(address)["Location"]
        assert neighbour.get(address).status_code == 404
    neighbour.force_login(make_user("nina", "viewer", study[0]))
    assert neighbour.get(f"{images(dataset)}?campaign=elsewhere").status_code == 404
