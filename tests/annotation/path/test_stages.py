"""The stages of a study: of one study at a time, though a dataset may have several."""

import pytest

from annotation.path.stages import Counted, next_of, stages_of
from annotation.path.standing import standing_of
from imagesets.models import Dataset
from tasks.campaigns.publish import close
from tasks.models import Campaign
from tasks.results import aggregate
from tests.factories import (
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    random_answers,
    work_through,
)


@pytest.fixture
def dataset(db, tmp_path) -> Dataset:
    make_user("ada", "researcher")
    return make_awkward_dataset(tmp_path / "pictures")


def told(dataset: Dataset) -> dict[str, tuple[str, str, str]]:
    """By the stages' names: how far each is, its figure, and the campaign it names."""
    counted = Counted(7, 5, 0, 2, "")
    standings = standing_of(Campaign.objects.filter(dataset=dataset))
    stages = stages_of(dataset, counted, standings, make_user("ada"))
    return {stage.name: (stage.where.value, stage.figure, stage.of) for stage in stages[3:]}


def test_the_stages_are_of_one_study_and_name_it_where_there_are_others(dataset):
    first = make_campaign(dataset, slug="first", workers_per_item=2, round_size=2)
    work_through(first, make_workers(2), random_answers())
    aggregate(first)
    form = make_campaign(dataset, "classify", slug="form", source=first, workers_per_item=2)
    close(form, "ada", "")
    assert {stage[::2] for stage in told(dataset).values()} <= {("done", ""), ("now", "")}
    again = make_campaign(dataset, slug="again", workers_per_item=2, round_size=2)
    of_again = told(dataset)
    assert of_again["CONTAINS"][::2] == ("now", "Again")
    assert of_again["CLASSIFY"] == ("later", "-", "")  # First's Form says nothing of it
    assert of_again["Report"] == ("done", "of an earlier study", "First")
    close(again, "ada", "")
    aggregate(again)
    assert told(dataset)["CLASSIFY"][:2] == ("now", "not asked yet")


def test_a_dataset_without_labels_needs_some_first(dataset):
    counted = Counted(images=7, labels=0, label_faults=0, classifiers=0, inference="")
    stage = next_of(stages_of(dataset, counted, [], make_user("ada")))
    assert (stage.name, stage.figure, stage.button) == ("Labels", "none yet", "Bring them")
