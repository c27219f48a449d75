"""Editing a label's texts: a line is a name, and an address is one."""

import json

import pytest

from imagesets.models import Dataset, Label
from imagesets.pages.label_form import LabelForm

pytestmark = pytest.mark.django_db
GOOD = {
    "names": "maillot, tank suit\r\n tank ",
    "definition": "a swimsuit",
    "wikipedia": "https://en.wikipedia.org/wiki/Swimsuit",
    "superclass": "",
}


@pytest.fixture
def label() -> Label:
    dataset = Dataset.objects.create(slug="set", name="Set")
    return Label.objects.create(dataset=dataset, key="b", names=["maillot", "tank suit"])


def test_a_comma_does_not_split_a_name(label):
    form = LabelForm(GOOD, instance=label)
    assert form.is_valid(), form.errors
    form.save()
    label.refresh_from_db()
    assert label.names == ["maillot, tank suit", "tank"]
    assert label.wikipedia == ["https://en.wikipedia.org/wiki/Swimsuit"]
    assert "maillot, tank suit\ntank" in str(LabelForm(instance=label))


def test_texts_of_other_languages_are_kept_by_code(label):
    german = {"de": {"names": ["Badeanzug"], "definition": "zum Schwimmen"}}
    form = LabelForm(GOOD | {"translations": json.dumps(german)}, instance=label)
    assert form.is_valid(), form.errors
    assert form.save().translations == german


@pytest.mark.parametrize(
    "fault",
    [
        {"names": " "},
        {"wikipedia": "not an address"},
        {"translations": '{"tlh": {"names": ["qa"]}}'},
        {"translations": '{"de": {"names": "Badeanzug"}}'},
        {"translations": '{"de": {"name": ["Badeanzug"]}}'},
    ],
)
def test_a_fault_is_said_at_its_field(label, fault):
    assert LabelForm(GOOD | fault, instance=label).errors.keys() == fault.keys()
