"""A small study in the database: images, labels, predictions of two classifiers, workers."""

from collections.abc import Callable

import pytest

from imagesets.models import Dataset, Image, Label
from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import publish
from tasks.models import Assignment, Campaign, HITItem, Worker
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit


def make_dataset(images: int = 12, labels: int = 8, slug: str = "small") -> Dataset:
    """Image i has dataset label i mod `labels`; two classifiers name it and its two neighbours."""
    dataset = Dataset.objects.create(slug=slug, name=slug.title())
    made = Label.objects.bulk_create(
        Label(dataset=dataset, key=f"n{number:08d}", names=[f"thing {number}"])
        for number in range(labels)
    )
    pictures = Image.objects.bulk_create(
        Image(
            dataset=dataset,
            key=f"{number:03d}.jpg",
            location=f"/nowhere/{number:03d}.jpg",
            sha256=f"{number:064x}",
            width=100,
            height=80,
            dataset_label=made[number % labels],
        )
        for number in range(images)
    )
    for shift, name in enumerate(("first", "second")):
        classifier = Classifier.objects.create(dataset=dataset, name=name)
        Prediction.objects.bulk_create(
            Prediction(
                classifier=classifier,
                image=image,
                labels=[made[(number + shift + step) % labels].pk for step in range(2)],
                scores=[0.6, 0.3],
            )
            for number, image in enumerate(pictures)
        )
    return dataset


@pytest.fixture
def dataset(db) -> Dataset:
    return make_dataset()


@pytest.fixture
def campaign(dataset) -> Campaign:
    """An open CONTAINS campaign of several HITs, R = 9 in rounds of 3."""
    made = Campaign.objects.create(
        name="Contains", slug="contains", dataset=dataset, kind="contains", grid_size=12
    )
    publish(made, "a test")
    return made


@pytest.fixture
def workers(db) -> Callable[[int], list[Worker]]:
    """So many workers of the local crowd."""
    return lambda number: [Worker.of("local", f"worker {i}") for i in range(number)]


def answer_no(assignment: Assignment) -> dict:
    """A valid answer: nothing selected."""
    return {"selected": [], "maybe": [], "unseen": []}


def answer_truly(assignment: Assignment) -> dict:
    """Select the dataset label of each image."""
    items = HITItem.objects.filter(hit=assignment.hit).select_related("image")
    return {
        "selected": [i.position for i in items if i.label_id == i.image.dataset_label_id],
        "maybe": [],
        "unseen": [],
    }


def work_through(
    campaign: Campaign, worker: Worker, answer=answer_no, at_most: int = 10_000
) -> int:
    """Let a worker answer until nothing is left for him; how many HITs he did."""
    done = 0
    while done < at_most and (assignment := next_assignment(campaign, worker)):
        submit(assignment, answer(assignment))
        done += 1
    return done
