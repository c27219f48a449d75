"""The page as one file and on the site: whole, alone, and bounded."""

import html
import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from annotation.report.campaigns import study_of
from annotation.report.charts import charts_of
from annotation.report.document import report_of, text_of
from annotation.report.kept import keep
from annotation.report.page.drawings import draw_all, version_of
from annotation.report.page.galleries import Example, Gallery, spread
from annotation.report.page.making import alone, for_readers
from annotation.report.page.pictures import Embedding, pictures_of
from imagesets.models import Dataset
from models_inference.models import Classifier, Prediction
from tests.factories import make_campaign, make_dataset, make_user
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    dataset = make_dataset(9, 4, folder=tmp_path)
    make_answered_study(dataset)
    return dataset


@pytest.fixture
def staff() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    return client


def test_one_file_needs_no_other(dataset):
    campaigns = study_of(dataset)
    report = report_of(dataset, *campaigns)
    charts = charts_of(for_readers(report, dataset))
    text = alone(report, dataset, *campaigns, charts).decode()
    sources = re.findall(r'(?:src|srcset|href|url)\s*=?\s*["(]([^")]*)', text)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"<script|<link|@import|url\(", text)
    assert text.count("data:image/svg+xml") == 2 * len(charts)
    for name, figure in report["figures"].items():
        assert f'id="{name}"' in text
        assert figure["missing"] is None or f"this figure needs {figure['missing']}" in text


def test_pictures_that_cannot_be_read_are_left_out_and_said(dataset, tmp_path):
    good, broken, gone = dataset.images.all()[:3]
    broken.location, gone.location = str(tmp_path / "broken.jpg"), str(tmp_path / "gone.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    gallery = Gallery("Some", [Example(image, ("<b>",)) for image in (broken, good, gone)])
    shown = pictures_of(gallery, Embedding())
    assert [picture.alt for picture in shown.pictures] == [good.key]
    assert shown.pictures[0].source.startswith("data:image/webp;base64,")
    assert shown.left_out == "Left out: 2 that could not be read or were too much."
    embed = Embedding(len(shown.pictures[0].source) + 10)
    twice = pictures_of(Gallery("Twice", [Example(good, ())] * 3), embed)
    assert len(twice.pictures) == 1
    assert twice.left_out.startswith("Left out: 2")


def test_examples_are_spread_over_all():
    assert spread(list(range(100)), 4) == [0, 25, 50, 75]
    assert spread([1, 2], 4) == [1, 2]
    assert len(spread(list(range(13)), 12)) == len(set(spread(list(range(13)), 12))) == 12


def test_the_sites_page_says_what_the_file_says(dataset, staff):
    campaigns = study_of(dataset)
    assert "the queue computes it" in staff.get("/datasets/small/report/").content.decode()
    keep(text_of(report_of(dataset, *campaigns)), campaigns)
    page = staff.get("/datasets/small/report/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "What was found" in text
    assert "9 images of small" in text
    assert "Not in this report yet" not in text
    later = Classifier.objects.create(dataset=dataset, name="eleventh")
    label = dataset.labels.first()
    for image in dataset.images.all():
        Prediction.objects.create(classifier=later, image=image, labels=[label.pk], scores=[1.0])
    text = staff.get("/datasets/small/report/").content.decode()
    assert "Not in this report yet: eleventh." in text
    keep(text_of(report_of(dataset, *campaigns)), campaigns)
    text = staff.get("/datasets/small/report/").content.decode()
    assert "Not in this report yet" not in text
    listed = staff.get("/reports/").content.decode()
    assert "/datasets/small/report/" in listed
    chart = re.search(
        r'src="(/datasets/small/report/chart/[^"]*scheme=dark[^"]*)" alt="[^"]+" ', text
    )
    assert chart
    drawing = staff.get(html.unescape(chart[1]))
    assert drawing["Content-Type"] == "image/svg+xml"
    assert staff.get("/datasets/small/report/chart/?name=R99").status_code == 400


def test_charts_that_the_queue_has_drawn_keep_their_place(dataset, staff):
    campaigns = study_of(dataset)
    report = report_of(dataset, *campaigns)
    text = text_of(report)
    keep(text, campaigns)
    draw_all(version_of(text), charts_of(for_readers(report, dataset))[:1])
    for _ in range(2):  # the second time as it was remembered
        page = staff.get("/datasets/small/report/").content.decode()
        assert len(re.findall(r'class="in-light" src="[^"]+" alt="[^"]+" width="\d+"', page)) == 1
    text = text.replace("small", "other")  # another report: nothing is remembered of it
    keep(text, campaigns)
    page = staff.get("/datasets/small/report/").content.decode()
    assert "images of other" in page


def test_who_does_not_see_the_studys_campaigns_sees_no_report(dataset):
    campaigns = study_of(dataset)
    keep(text_of(report_of(dataset, *campaigns)), campaigns)
    beside = make_campaign(dataset, slug="beside")
    client = Client()
    client.force_login(make_user("narrow", "viewer", beside))
    assert client.get("/datasets/small/").status_code == 200
    assert client.get("/datasets/small/report/").status_code == 404
    assert client.get("/datasets/small/report/chart/?name=R1").status_code == 404
    assert "/datasets/small/report/" not in client.get("/reports/").content.decode()


def test_where_there_is_no_report_the_page_says_what_to_do(staff):
    make_campaign(make_dataset(4, 2), slug="open")
    text = staff.get("/datasets/small/report/").content.decode()
    assert "No report yet" in text
    assert "no CONTAINS campaign that is finished or closed" in text
    text = staff.get("/datasets/small/report/?campaign=open").content.decode()
    assert "have not been aggregated" in text
    assert staff.get("/datasets/small/report/?campaign=nothing").status_code == 404
    assert staff.get("/datasets/small/report/chart/?name=R1").status_code == 400
    assert "/datasets/small/report/" not in staff.get("/reports/").content.decode()
