"""Changes and deletions during a run wait for it, on real connections."""

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from models_inference.celery_tasks import predict_dataset
from models_inference.classifiers.changes import change
from models_inference.errors import InferenceError
from models_inference.inference.run import predict
from models_inference.jobs import job_progress, predictions_done
from models_inference.models import Classifier, InferenceJob, Prediction, SkippedImage
from models_inference.predictions.logits import read
from tests.factories import add_images, make_imagenet_dataset
from tests.studies.threads import beside

DARK = {"input_size": [3, 64, 64], "mean": [0.9, 0.9, 0.9]}


@pytest.fixture
def dataset(transactional_db, pictures):
    made = make_imagenet_dataset()
    add_images(made, pictures)
    return made


def answers(classifier: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """What is stored of a classifier: its best scores by image, and its logits."""
    rows = Prediction.objects.filter(classifier=classifier).order_by("image_id")
    kept = read(Classifier.objects.get(pk=classifier.pk))
    return np.array([row.scores for row in rows]), kept[1]


def test_a_classifier_changed_while_it_runs_answers_by_its_new_settings_alone(dataset, tiny):
    classifier, other = tiny(dataset, "a", input={"input_size": [3, 64, 64]}), tiny(dataset, "b")
    with beside(predict, dataset, [classifier, other], "cpu") as run:
        change(Classifier.objects.get(pk=classifier.pk), input=DARK)
    assert run.result().changed == ["a"]
    assert run.result().written == 24
    twin = Classifier.objects.create(
        dataset=dataset,
        name="twin",
        architecture=classifier.architecture,
        weights=classifier.weights,
        input=DARK,
    )
    predict(dataset, [twin], "cpu")
    for said, expected in zip(answers(classifier), answers(twin), strict=True):
        assert said.shape == expected.shape
        assert np.allclose(said, expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(InferenceError, match="has predictions made with input"):
        change(classifier, input={})


def test_what_is_deleted_while_it_runs_is_left_out(dataset, tiny, pictures):
    pictures[5].unlink()
    gone, broken = dataset.images.order_by("id")[3], dataset.images.order_by("id")[5]
    classifiers = [tiny(dataset, "a"), tiny(dataset, "b")]
    with beside(predict, dataset, classifiers, "cpu") as run:
        dataset.images.filter(pk__in=[gone.pk, broken.pk]).delete()
    assert (run.result().written, run.result().skipped) == (20, [])
    assert not SkippedImage.objects.exists()
    Prediction.objects.all().delete()
    with beside(predict, dataset, classifiers, "cpu") as run:
        Classifier.objects.filter(name="a").delete()
    assert (run.result().written, run.result().deleted) == (10, ["a"])
    assert predictions_done(dataset, classifiers) == (10, 10)
    Prediction.objects.all().delete()
    with beside(call_command, "predict", "sample", "--device", "cpu") as run:
        Classifier.objects.filter(name="b").delete()
    with pytest.raises(CommandError, match=r"^Deleted during their run: classifiers b\.$"):
        run.result()


def test_a_job_whose_classifiers_are_deleted_while_it_runs_ends(dataset, tiny):
    classifiers = [tiny(dataset, "a"), tiny(dataset, "b")]
    ids = [classifier.id for classifier in classifiers]
    job = InferenceJob.objects.create(dataset=dataset, classifiers=ids, queued_at=timezone.now())
    for name, error, done in (
        ("a", "", 12),
        ("b", "Deleted during their run: classifiers b.", 0),
    ):
        with beside(predict_dataset, dataset.id, ids) as run:
            Classifier.objects.filter(name=name).delete()
        run.result()
        job.refresh_from_db()
        assert (job.error, job.finished_at is not None) == (error, True)
        assert (job_progress(job).done, job_progress(job).total) == (done, done)
        Prediction.objects.all().delete()


def test_a_predict_that_fails_takes_back_what_it_did_and_nothing_else(dataset, tiny, tmp_path):
    tiny(dataset, "old", input={"input_size": [3, 64, 64]})
    before = Classifier.objects.values().get()
    wrong, table = tmp_path / "wrong.pth", tmp_path / "mapping.csv"
    wrong.write_bytes(b"no weights")
    table.write_text(f"class,label\n0,{dataset.labels.first().key}\n")
    SkippedImage.objects.create(image=dataset.images.first(), reason="it was away")
    arguments = ["--classifier", "old", "--weights", str(wrong), "--mapping", str(table)]
    with beside(call_command, "predict", "sample", *arguments) as run:
        Classifier.objects.select_for_update().get()
        Classifier.objects.create(dataset=dataset, name="theirs", architecture="resnet18")
    with pytest.raises(CommandError, match=r"wrong\.pth is refused"):
        run.result()
    assert Classifier.objects.values().get(name="old") == before
    assert set(Classifier.objects.values_list("name", flat=True)) == {"old", "theirs"}
    with pytest.raises(CommandError, match=r"wrong\.pth is refused"):
        call_command("predict", "sample", "--classifier", "resnet18", "--weights", str(wrong))
    with pytest.raises(CommandError, match="'resnet5000' is neither"):
        call_command(
            "predict", "sample", "--classifier", "efficientnet_lite0", "--classifier", "resnet5000"
        )
    assert set(Classifier.objects.values_list("name", flat=True)) == {"old", "theirs"}
    assert SkippedImage.objects.get().reason == "it was away"
