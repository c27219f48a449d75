"""A study's classifiers: chosen from what is installed, searched for, or brought as a file."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imagesets.models import Dataset
from models_inference.models import Classifier, InferenceJob, Prediction
from tests.factories import add_images, make_imagenet_dataset, make_lettered_dataset, make_user
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def researcher(client) -> Client:
    client.force_login(make_user("ada", "researcher"))
    return client


def study(folder) -> Dataset:
    """One picture, and ImageNet's labels."""
    dataset = make_imagenet_dataset("sample")
    file = folder / "a.jpg"
    file.write_bytes(jpeg(1))
    add_images(dataset, [file])
    return dataset


def test_installed_ones_are_added_and_queued_in_one_go(researcher, tmp_path):
    dataset = study(tmp_path)
    page = researcher.get("/datasets/sample/classifiers/")
    text = page.content.decode()
    assert "0 is <strong>tench</strong>" in text
    names = [preset.name for preset in page.context["installed"]]
    assert "efficientnet_lite0" in names
    answer = researcher.post("/datasets/sample/classifiers/add/", {"classifier": names})
    assert answer.status_code == 302
    assert set(dataset.classifiers.values_list("name", flat=True)) == set(names)
    (job,) = InferenceJob.objects.all()
    assert len(job.classifiers) == len(names)
    assert "Waiting: 0 of" in researcher.get("/datasets/sample/classifiers/").content.decode()


def test_a_search_finds_timms_names_and_no_other_is_taken(researcher, tmp_path):
    study(tmp_path)
    found = researcher.get("/datasets/sample/classifiers/?q=ResNet50").context["found"]
    assert found[0] == "resnet50"
    wrong = {"classifier": ["resnet50", "resnet5000"]}
    answer = researcher.post("/datasets/sample/classifiers/add/", wrong, follow=True)
    assert "resnet5000 is not one of timm" in answer.content.decode()
    assert not Classifier.objects.exists()


def test_a_file_is_brought_whole_or_not_at_all(researcher):
    dataset = make_lettered_dataset()
    before = Prediction.objects.count()
    at = f"/datasets/{dataset.slug}/classifiers/file/"

    def bring(text: str) -> tuple[int, str]:
        file = SimpleUploadedFile("mine.csv", text.encode())
        answer = researcher.post(at, {"name": "mine", "file": file}, follow=True)
        return answer.status_code, answer.content.decode()

    head = "image,rank,label,score\n"
    status, text = bring(f"{head}nowhere.png,1,n0,0.9\n")
    assert (status, Prediction.objects.count()) == (422, before)
    assert "mine.csv" in text
    assert "nowhere.png" in text
    status, text = bring(f"{head}a.jpg,1,n0,0.9\n")
    assert (status, Prediction.objects.count()) == (200, before + 1)
    assert "1 images&#x27; predictions imported" in text


def test_a_study_without_imagenets_labels_says_what_it_needs(researcher):
    make_lettered_dataset()
    text = researcher.get("/datasets/given/classifiers/").content.decode()
    assert "None of this study's labels is ImageNet" in text
