"""The largest HIT that a campaign's settings allow can be answered with everything chosen."""

import pytest
from django.conf import settings
from django.test import Client

from models_inference.models import Prediction
from tasks.models import Assignment
from tasks.models.campaign_settings import SETTINGS
from tasks.simulation.worksheet import worksheet
from tests.factories import make_campaign, make_dataset
from tests.studies.odd_pictures import fields_of
from tests.studies.visitors import begin, door, is_at_work

BESIDE = 20  # fields of a form that stand for no item: hidden ones, the comment


def most(name: str) -> int:
    return SETTINGS[name].type.most


def test_django_takes_as_many_fields_as_any_form_can_have():
    beside_labels = len(("main", "none", "other", "unseen"))
    classify = most("images_per_hit") * (most("max_offered") + beside_labels)
    contains = most("grid_size") * len(("selected", "maybe", "unseen")) + most("max_sections")
    assert max(classify, contains) + BESIDE <= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS


@pytest.mark.django_db
def test_a_form_with_two_thousand_labels_checked_is_an_answer():
    images, offered = most("images_per_hit"), most("max_offered")
    dataset = make_dataset(images, offered)
    labels = list(dataset.labels.values_list("pk", flat=True))
    for classifier, half in zip(
        dataset.classifiers.all(), (labels[::2], labels[1::2]), strict=True
    ):
        scores = [0.05] * len(half)
        Prediction.objects.filter(classifier=classifier).update(labels=half, scores=scores)
    campaign = make_campaign(
        dataset,
        "classify",
        open="anyone",
        images_per_hit=images,
        max_offered=offered,
        candidates={"k": 10, "classifiers": None, "min_models": 1},
        controls={"share": 0, "campaigns": [], "min_accuracy": None, "min_items": 20},
    )
    person = Client()
    where = begin(door(campaign), person)
    assert is_at_work(where)
    sheet = worksheet(person.get(where["Location"]).content.decode())

    def everything(question):
        labels = [option for option in question.options if option.name.startswith("labels-")]
        return [*labels, next(o for o in question.options if o.name.startswith("main-"))]

    form: dict[str, list[str]] = {}
    for name, value in fields_of(sheet, everything):
        form.setdefault(name, []).append(value)
    assert sum(map(len, form.values())) > images * (offered + 1)
    assert person.post(where["Location"], form).status_code == 303
    assert Assignment.objects.get().submitted_at is not None
