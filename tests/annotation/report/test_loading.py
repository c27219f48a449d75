"""A study read into arrays says what aggregation stored of it."""

import numpy as np
import pytest

from annotation.report.arrays import GROUPS
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r05_main_object import r5
from annotation.report.figures.r15_workers import r15
from annotation.report.loading import load_study
from models_inference.models import Classifier, Prediction
from models_inference.predictions.logits import keep_logits
from tasks.models import CampaignImage, ImageResult, Pair, WorkerResult
from tasks.results import aggregate
from tests.factories import make_campaign, make_dataset, make_workers, random_answers, work_through
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db
OPEN = ("equal_cuts", "surely_disagrees", "may_disagree")


@pytest.fixture
def campaigns():
    contains, form = make_answered_study(make_dataset(9, 4))
    work_through(form, make_workers(3), random_answers())
    aggregate(form)
    return contains, form


def test_arrays_agree_with_stored_results(campaigns):
    contains, form = campaigns
    study = load_study(contains.dataset, contains, form)
    pairs = Pair.objects.filter(campaign=contains).select_related("result", "image", "label")
    stored = sorted(
        (p.image.key, p.label.key, p.result.selected, p.result.maybe, p.result.shown) for p in pairs
    )
    found = study.contains
    assert [
        (study.images[image], study.labels[label], *counts)
        for image, label, *counts in zip(
            found.image, found.label, found.selected, found.maybe, found.shown, strict=True
        )
    ] == stored
    posteriors = {(p.image.key, p.label.key): p.result.posterior for p in pairs}
    read = [None if np.isnan(posterior) else posterior for posterior in found.posterior]
    assert read == [posteriors[key] for key in sorted(posteriors)]

    for result in ImageResult.objects.filter(campaign=form).select_related("image"):
        row = study.images.index(result.image.key)
        assert study.objects.num_objects[row] == (
            -1 if result.num_objects is None else result.num_objects
        )
        label = study.objects.main_label[row]
        assert (study.labels[label] if label >= 0 else None) == result.main_label
        for mine, theirs in (
            (study.objects.main_object[row], result.main_object),
            (study.objects.dataset_object[row], result.dataset_object),
        ):
            assert mine == (-1 if theirs is None else theirs)
    asked = dict(CampaignImage.objects.filter(campaign=form).values_list("image__key", "group"))
    assert {
        key: GROUPS[group]
        for key, group, of in zip(study.images, study.group, study.asked, strict=True)
        if of
    } == asked
    predictions = Prediction.objects.select_related("image", "classifier")
    for prediction in predictions:
        row = study.images.index(prediction.image.key)
        model = study.models[prediction.classifier.name]
        ids = dict(contains.dataset.labels.values_list("pk", "key"))
        assert [study.labels[label] for label in model.labels[row]] == [
            ids[label] for label in prediction.labels
        ]
        assert np.allclose(model.scores[row], prediction.scores)


def test_runs_of_older_versions_are_filled_in(campaigns):
    """What equal choices leave open is null in results that were stored before it was known."""
    contains, form = campaigns

    def open_choices() -> list:
        study = load_study(contains.dataset, contains, form)
        return [r1(study).data["equal_cuts"], r5(study).data["disagreements_range"]]

    stored = ImageResult.objects.filter(campaign=form)
    fresh = list(stored.order_by("image").values_list(*OPEN))
    stored.update(**dict.fromkeys(OPEN))
    assert open_choices() == [None, None]
    run = form.runs.latest()
    run.settings.pop("equal_choices")
    run.save()
    aggregate(form)
    assert list(stored.order_by("image").values_list(*OPEN)) == fresh

    asked = CampaignImage.objects.filter(campaign=form)
    answered = stored.filter(workers__gt=0).values_list("image", flat=True)
    asked.filter(image__in=answered[:2]).update(group="fu")  # the draw may have left none
    groups = dict(asked.values_list("image", "group"))
    wanted, of_fu = np.zeros(3, int), 0
    for result in stored.filter(workers__gt=0).order_by("image"):
        flags = of_fu % 2 == 0, of_fu % 3 == 0, of_fu % 3 < 2
        stored.filter(pk=result.pk).update(**dict(zip(OPEN, flags, strict=True)))
        if groups[result.image_id] == "fu":  # an easy image has one object
            wanted += flags
            of_fu += 1
    assert open_choices() == [wanted[0], [wanted[1], wanted[2]]]
    assert wanted.all()


def test_logits_are_of_labels_and_classes_of_one_label_count_together():
    dataset = make_dataset(3, 3)
    a, b, _ = keys = [label.key for label in dataset.labels.order_by("key")]
    campaign = make_campaign(dataset)
    images = dict(dataset.images.values_list("key", "pk"))
    classes = np.array([[1.0, 2.0, 3.0, 0.5], [0.0, 9.0, -1.0, 0.0], [4.0, 4.0, 4.0, 4.0]])
    for name, count in (("all", 3), ("some", 2)):
        classifier = Classifier.objects.create(dataset=dataset, name=name, mapping=[b, None, a, b])
        keep_logits(classifier, sorted(images.values())[:count], classes[:count])
    study = load_study(dataset, campaign, None)
    assert study.models["some"].logits is None  # of an image there are none
    found = study.models["all"].logits
    rows = [study.images.index(key) for key in sorted(images, key=images.__getitem__)]
    assert study.labels == keys
    assert np.allclose(found[rows, 0], classes[:, 2])
    together = np.log(np.exp(classes[:, 0]) + np.exp(classes[:, 3]))
    assert np.allclose(found[rows, 1], together, atol=0.01)
    assert np.isneginf(found[:, 2]).all()


def test_logits_in_the_order_of_images_and_labels_stay_in_their_file():
    dataset = make_dataset(4, 2)
    campaign = make_campaign(dataset)
    a, b = keys = [label.key for label in dataset.labels.order_by("key")]
    ids = list(dataset.images.order_by("key").values_list("pk", flat=True))
    assert ids == sorted(ids)
    given = np.arange(8.0).reshape(4, 2)
    for name, mapping in (("same", keys), ("turned", [b, a]), ("none", [None, None])):
        classifier = Classifier.objects.create(dataset=dataset, name=name, mapping=mapping)
        keep_logits(classifier, ids, given)
    models = load_study(dataset, campaign, None).models
    assert (models["same"].logits == given).all()
    assert (models["turned"].logits == given[:, ::-1]).all()
    assert np.isneginf(models["none"].logits).all()
    assert np.may_share_memory(models["same"].logits, models["same"].logits.base)
    models["same"].let_go()
    models["turned"].let_go()
    assert (models["same"].logits == given).all()  # read again


def test_workers_are_those_that_aggregation_measured(campaigns):
    contains, form = campaigns
    figure = r15(load_study(contains.dataset, contains, form)).plain()
    stored = {
        result.worker.pseudonym: result
        for result in WorkerResult.objects.filter(campaign=contains, items__gt=0)
    }
    assert figure["data"]["workers"].keys() == stored.keys()
    for name, found in figure["data"]["workers"].items():
        for key in ("agreement", "sensitivity", "specificity", "control_accuracy"):
            assert found[key] == getattr(stored[name], key)
    run = contains.runs.first()
    assert figure["data"]["posterior"] == run.convergence
    assert 0 < figure["data"]["posterior"]["tau"] <= 1


def test_either_campaign_may_be_missing_or_unanswered(campaigns):
    contains, form = campaigns
    assert load_study(contains.dataset, contains, None).classify is None
    alone = load_study(contains.dataset, None, form)
    assert alone.contains is None
    assert alone.fu.sum() == alone.answered.sum() > 0


def test_images_that_the_follow_up_leaves_out_are_none_of_its_own(campaigns):
    contains, _ = campaigns
    kept = ["001.jpg", "004.jpg", "005.jpg"]
    part = make_campaign(
        contains.dataset, "classify", slug="part", source=contains, images=kept, follow_up="all"
    )
    study = load_study(contains.dataset, contains, part)
    assert study.n == 9
    assert [key for key, asked in zip(study.images, study.asked, strict=True) if asked] == kept
