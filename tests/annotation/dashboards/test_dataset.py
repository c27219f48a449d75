"""A dataset's page and its JSON: what a campaign would cost, and what to mend first."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from imagesets.models import Dataset, Label
from models_inference.models import SkippedImage
from tests.factories import make_awkward_dataset, make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    return client


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return make_awkward_dataset(tmp_path / "pictures")


def test_what_it_says_is_what_publishing_lays_out(staff, dataset):
    counted = staff.get("/api/datasets/tiny/candidates/").json()
    campaign = make_campaign(dataset, grid_size=48, max_sections=8)
    choice = counted["min_models"][0]
    assert choice["pairs"] == campaign.pairs.count()
    assert abs(choice["hits_about"] - campaign.hits.count()) <= 1
    assert choice["judgments"] == 9 * choice["pairs"]
    assert sum(bar["images"] for bar in choice["candidates_per_image"]["histogram"]) == 7
    page = staff.get("/datasets/tiny/")
    text = page.content.decode()
    assert page.status_code == 200
    assert f"{choice['candidates_per_image']['mean']:.1f} candidate labels on average" in text
    assert text.count("<rect") == len(choice["candidates_per_image"]["histogram"])
    assert "7 of 7" in text  # images that `first` has predicted


def test_findings_stand_on_the_page_and_in_the_api(staff, dataset):
    image = dataset.images.first()
    SkippedImage.objects.create(image=image, reason="<broken>")
    twin = dataset.images.last()
    twin.sha256 = image.sha256
    twin.save()
    Label.objects.filter(key="325").update(names=["crane"])
    Label.objects.filter(key='l"m').update(names=["crane"], definition="")
    findings = staff.get("/api/datasets/tiny/candidates/").json()["findings"]
    assert findings["label_findings"] == {"same name": 1, "no definition": 1}
    assert findings["identical_files"]["n"] == 1
    assert findings["skipped_images"] == {
        "n": 1,
        "first": [{"image": image.key, "reason": "<broken>"}],
    }
    lint = staff.get("/api/datasets/tiny/labels/lint/").json()
    assert lint["count"] == 2
    assert lint["findings"][0] == {
        "rule": "same name",
        "labels": ["325", 'l"m'],
        "text": "both are named 'crane'",
    }
    text = staff.get("/datasets/tiny/").content.decode()
    assert "Two labels have the same first name: 1 found" in text
    assert "&lt;broken&gt;" in text


def test_labels_of_one_name_are_one_finding_however_many(staff, dataset):
    Label.objects.bulk_create(
        Label(dataset=dataset, key=f"k{i:02}", names=["crane"], definition=f"{i}")
        for i in range(30)
    )
    lint = staff.get("/api/datasets/tiny/labels/lint/").json()["findings"]
    assert [(finding["rule"], len(finding["labels"])) for finding in lint] == [("same name", 30)]
    address = reverse("admin:imagesets_dataset_change", args=[dataset.pk])
    text = staff.get(address).content.decode()
    assert "30 labels are named &#x27;crane&#x27; (<a" in text
    assert ">k19</a> and 10 more)" in text


def test_invalid_parameters_are_named(staff, dataset):
    at = "/api/datasets/tiny/candidates/"
    assert set(staff.get(at + "?k=11").json()) == {"k"}
    assert "nobody" in str(staff.get(at + "?classifier=nobody").json()["classifier"])
    assert set(staff.get(at + "?kk=1").json()) == {"kk"}
    assert staff.get("/api/datasets/none/candidates/").status_code == 404
    answer = staff.get(at + "?k=1&classifier=first").json()
    assert [c["classifier"] for c in answer["classifiers"]] == ["first"]
    assert staff.get("/datasets/tiny/?k=99").status_code == 200
    assert staff.get("/datasets/none/").status_code == 404


def test_a_dataset_with_nothing_in_it_says_what_to_do(staff):
    Dataset.objects.create(slug="empty", name="Empty")
    text = staff.get("/datasets/empty/").content.decode()
    assert "No images yet" in text
    assert Client().get("/datasets/empty/").status_code == 302


def test_it_counts_nothing_until_a_classifier_has_predicted_something(staff, dataset):
    assert "What asking would take" in staff.get("/datasets/tiny/").content.decode()
    dataset.classifiers.all().delete()
    text = staff.get("/datasets/tiny/").content.decode()
    assert "What asking would take" not in text
    assert "manage.py" not in text
    assert "Choose classifiers" in text
