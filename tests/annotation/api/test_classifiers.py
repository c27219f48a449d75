"""Classifiers registered over the API and in the admin, run by the queue, with their progress."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from models_inference.models import Classifier, InferenceJob, Prediction
from models_inference.predictions.storage import locked_classifiers
from tests.factories import LABEL_KEYS, client_of, make_awkward_dataset
from tests.studies.threads import beside

pytestmark = pytest.mark.django_db
AT = "/api/datasets/tiny/"
MADE_OF = {"architecture": "resnet18", "weights": "/somewhere/w.pth"}
NEW = {"name": "mine", "architecture": "resnet18.tv_in1k"}
PROGRAM = {"input_size": [3, 32, 32], "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.fixture
def dataset(tmp_path):
    return make_awkward_dataset(tmp_path / "pictures")


@pytest.fixture
def api():
    return client_of("staff", "researcher")


@pytest.fixture
def root(client):
    from django.contrib.auth import get_user_model

    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    return client


def post(api, path, body):
    return api.post(AT + path, body, content_type="application/json")


def test_a_classifier_is_registered_with_all_that_it_is(api, dataset):
    body = NEW | {"weights": "s3://bucket/w.pth", "mapping": ["325", None, "325"], "input": PROGRAM}
    made = post(api, "classifiers/", body)
    assert made.status_code == 201, made.content
    assert made.json().items() >= body.items()
    row = Classifier.objects.get(name="mine")
    assert (row.dataset, row.mapping) == (dataset, ["325", None, "325"])
    assert post(api, "classifiers/", {**NEW, "name": "bare"}).json()["weights"] == "pretrained"
    assert api.get(AT + "classifiers/?name=mine").json()["results"] == [made.json()]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "first"}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"architecture": "resnet19"}, "architecture"),
        ({"architecture": "open_clip:"}, "architecture"),
        ({"weights": "/etc/passwd"}, "weights"),  # staff, no superuser
        ({"weights": "w.pth"}, "weights"),
        ({"input": {"size": 3}}, "input"),
        ({"input": []}, "input"),
        ({"architecture": "torchscript", "weights": "s3://b/k"}, "input"),
        ({"architecture": "torch.export", "input": PROGRAM}, "weights"),
        ({"mapping": ["325", "nothing"]}, "mapping"),
        ({"mapping": [None]}, "mapping"),
        ({"mapping": {"0": "325"}}, "mapping"),
        ({"colour": "red"}, "colour"),
        ({"created_at": "2020-01-01"}, "created_at"),
    ],
)
def test_what_cannot_be_registered_names_its_field(api, dataset, change, field):
    answer = post(api, "classifiers/", NEW | change)
    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert Classifier.objects.count() == 2


@pytest.mark.parametrize(
    "settings",
    [
        '{"mean": [%s, 0, 0]}' % ("9" * 400),
        '{"std": [1e-300, 1, 1]}',
        '{"mean": [1e300, 0, 0]}',
        '{"mean": [1e999, 0, 0]}',
        '{"mean": [NaN, 0, 0]}',
        '{"crop_pct": %s}' % ("9" * 400),
        '{"crop_pct": %s}' % ("9" * 5000),
        '{"crop_pct": 1e-9}',
        '{"crop_pct": 0.2, "input_size": [3, 4096, 4]}',
        '{"crop_pct": null}',
        '{"input_size": [3, null, 1]}',
        '{"crop_mode": []}',
        '{"prompts": ["a {} }"]}',
        '{"prompts": ["a {"]}',
        '{"prompts": ["{0}"]}',
        '{"prompts": ["a \\u0000 {}"]}',
        '{"prompts": ["a \\ud800 {}"]}',
        '{"\\ud800": 1}',
        '{"mean": %s}' % ("[" * 100_000 + "]" * 100_000),
        "[]",
    ],
)
def test_settings_that_no_network_has_are_refused_by_api_and_admin(api, root, dataset, settings):
    body = f'{{"name": "mine", "architecture": "open_clip:ViT-B-32", "input": {settings}}}'
    answer = post(api, "classifiers/", body)
    assert answer.status_code == 400
    assert set(answer.json()) <= {"input", "detail"}  # detail: no JSON
    form = {"of_dataset": dataset.pk, "name": "mine", "mapping": "null", **MADE_OF}
    page = root.post(reverse("admin:models_inference_classifier_add"), form | {"input": settings})
    assert set(page.context["adminform"].form.errors) == {"input"}
    assert Classifier.objects.count() == 2


@pytest.mark.parametrize("body", ['{"\\ud800": 1}', "[" * 100_000])
@pytest.mark.parametrize("path", ["classifiers/", "predictions/"])
def test_a_body_that_is_no_text_or_too_deep_is_refused(api, dataset, path, body):
    assert post(api, path, body).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mapping", "9" * 5000),
        ("mapping", "[" * 100_000),
        ("mapping", '["\\u0000"]'),
        ("name", "a\0b"),
        ("weights", "s3://\0"),
        ("mapping_csv", b"class,label\n" + b"9" * 5000 + b",325\n"),
        ("mapping_csv", b"class,label\n0,325\n" + b"\n" * 9000 + b"\xff"),
        ("mapping_csv", b"class,label\n0," + b"x" * 200_000),
        ("mapping_csv", b"x" * 200_000),
        ("mapping_csv", b"class,label\n0,3\x0025"),
    ],
)
def test_what_the_admin_cannot_read_is_an_error_of_its_field(root, dataset, field, value):
    form = {"of_dataset": dataset.pk, "name": "mine", "input": "{}", "mapping": "null", **MADE_OF}
    sent = SimpleUploadedFile("mapping.csv", value) if isinstance(value, bytes) else value
    page = root.post(reverse("admin:models_inference_classifier_add"), form | {field: sent})
    assert set(page.context["adminform"].form.errors) == {field}


def test_every_architecture_of_timm_can_be_registered():
    from models_inference.classifiers.registration import timm_names
    from models_inference.networks.timm_import import timm

    assert set(timm().list_models()) <= timm_names()


def test_the_api_queues_inference_and_tells_how_far_it_is(api, dataset):
    assert post(api, "predictions/", {}).status_code == 409  # imported ones cannot be run
    assert set(post(api, "predictions/", {"classifiers": ["first"]}).json()) == {"classifiers"}
    assert set(post(api, "predictions/", {"weights": 1}).json()) == {"weights"}
    post(api, "classifiers/", NEW)
    answer = post(api, "predictions/", {})
    assert answer.status_code == 202
    job = answer.json()
    assert (job["classifiers"], job["state"]) == (["mine"], "waiting")
    assert (job["done"], job["total"], job["images_per_second"]) == (0, 7, None)
    assert api.get(AT + "jobs/").json()["results"][0]["id"] == job["id"]


def progressed(job: InferenceJob, classifier: Classifier) -> None:
    """Four of seven images in 8 seconds, the last chunk a second ago."""
    now = timezone.now()
    job.begun_at, job.heard_at = now - timedelta(seconds=9), now - timedelta(seconds=1)
    job.save()
    for image in classifier.dataset.images.all()[:4]:
        Prediction.objects.create(classifier=classifier, image=image, labels=[], scores=[])


def test_progress_has_rate_and_time_left(api, root, dataset):
    post(api, "classifiers/", NEW)
    job = InferenceJob.objects.get(pk=post(api, "predictions/", {}).json()["id"])
    progressed(job, Classifier.objects.get(name="mine"))
    answer = api.get(AT + "jobs/").json()["results"][0]
    assert (answer["state"], answer["done"], answer["total"]) == ("running", 4, 7)
    assert answer["images_per_second"] == pytest.approx(0.5)
    assert answer["seconds_left"] == pytest.approx(6)
    page = root.get(reverse("admin:models_inference_inferencejob_change", args=[job.pk]))
    text = page.content.decode()
    assert page["Refresh"] == "5"
    assert "4 of 7" in text
    assert "0.5 images a second" in text
    assert "0 h 00 min 06 s left" in text
    InferenceJob.objects.update(heard_at=timezone.now() - timedelta(hours=1))
    assert api.get(AT + "jobs/").json()["results"][0]["state"] == "silent"
    InferenceJob.objects.update(error="no weights")
    assert api.get(AT + "jobs/").json()["results"][0]["state"] == "failed"


def test_a_job_that_failed_is_begun_anew_on_its_page(api, root, dataset):
    post(api, "classifiers/", NEW)
    job = InferenceJob.objects.get(pk=post(api, "predictions/", {}).json()["id"])
    InferenceJob.objects.update(error="no weights", finished_at=timezone.now())
    root.post(f"/admin/models_inference/inferencejob/{job.pk}/again/")
    job.refresh_from_db()
    assert (job.error, job.finished_at) == ("", None)


def test_the_admin_registers_with_a_mapping_file_and_runs_what_is_chosen(root, dataset):
    page = reverse("admin:models_inference_classifier_add")
    table = SimpleUploadedFile("mapping.csv", b"class,label\n2,325\n0,n02123045\n5,325\n")
    form = {
        "of_dataset": dataset.pk,
        "name": "mine",
        "architecture": "resnet18",
        "weights": "/somewhere/w.pth",
        "input": "{}",
        "mapping": "null",
    }
    wrong = SimpleUploadedFile("mapping.csv", b"class,label\n0,nothing\n")
    refused = root.post(page, form | {"mapping_csv": wrong}).content.decode()
    assert "mapping.csv, row 2, label: dataset tiny has no label" in refused
    assert "/tmp" not in refused
    tried = root.post(page, form | {"mapping_csv": table})
    assert not Classifier.objects.filter(name="mine").exists()
    assert root.post(f"{tried['Location']}save/").status_code == 302
    classifier = Classifier.objects.get(name="mine")
    assert classifier.mapping == [LABEL_KEYS[1], None, "325", None, None, "325"]
    lists = reverse("admin:models_inference_classifier_changelist")
    answer = root.post(lists, {"action": "run", "_selected_action": [classifier.pk]})
    job = InferenceJob.objects.get()
    assert answer["Location"] == f"/datasets/tiny/classifiers/jobs/{job.pk}/"
    assert root.get(answer["Location"]).status_code == 200
    first = Classifier.objects.get(name="first")
    answer = root.post(lists, {"action": "run", "_selected_action": [first.pk]}, follow=True)
    assert "cannot be run" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_register_one_name_at_once_one_is_refused(api, dataset):
    with beside(post, api, "classifiers/", NEW) as other:
        Classifier.objects.create(dataset=dataset, name="mine", **MADE_OF)
    assert other.result().status_code == 400
    assert set(other.result().json()) == {"name"}


@pytest.mark.django_db(transaction=True)
def test_an_edit_waits_for_a_run_that_writes_and_is_then_refused(root, dataset):
    classifier = Classifier.objects.create(dataset=dataset, name="mine", **MADE_OF)
    page = reverse("admin:models_inference_classifier_change", args=[classifier.pk])
    form = {"of_dataset": dataset.pk, "name": "mine", "mapping": "null", **MADE_OF}
    edited = form | {"input": '{"mean": [0, 0, 0]}'}
    with beside(root.post, page, edited) as edit:
        locked_classifiers([classifier.pk])
        image = dataset.images.first()
        Prediction.objects.create(classifier=classifier, image=image, labels=[], scores=[])
    assert "mine was not changed: it has predictions" in root.get(edit.result()["Location"]).text
    classifier.refresh_from_db()
    assert classifier.input == {}
    Prediction.objects.filter(classifier=classifier).delete()
    assert root.post(page, edited).status_code == 302
    classifier.refresh_from_db()
    assert classifier.input == {"mean": [0, 0, 0]}


@pytest.mark.django_db(transaction=True)
def test_a_classifiers_history_may_be_posted_to(root, dataset):
    classifier = Classifier.objects.create(dataset=dataset, name="old", **MADE_OF)
    page = reverse("admin:models_inference_classifier_history", args=[classifier.pk])
    assert root.post(page).status_code == 200


@pytest.mark.parametrize("number", ["x", "\N{SUPERSCRIPT TWO}", "9" * 400])
@pytest.mark.parametrize("page", ["change", "again"])
def test_an_unknown_job_has_no_page(root, dataset, number, page):
    answer = root.get(f"/admin/models_inference/inferencejob/{number}/{page}/", follow=True)
    assert answer.status_code in (200, 404)
