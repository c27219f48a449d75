"""Reads a study from the database and computes its headline numbers (annotation.report.numbers)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import Count

from annotation.report import numbers
from annotation.report.numbers import Accuracy, Objects, Share
from imagesets.models import Image
from models_inference.models import Classifier, Prediction
from tasks.models import Assignment, Campaign, CampaignImage, ImageResult, PairResult
from tasks.models.assignment import USED


@dataclass
class Headlines:
    """What a study found, each share with its n."""

    images: int
    pairs: int
    candidates_per_image: float
    hits: dict[str, int]  # by kind of campaign
    judgments: dict[str, int]  # used study judgments, by kind of campaign
    workers: int  # with a used answer in either campaign
    rivalled: Share
    groups: dict[str, int]
    multi_object: Share
    multi_object_truth: Share | None
    disagreements: Share
    accuracies: list[Accuracy]


@dataclass(frozen=True)
class Annotations:
    """The images of a CLASSIFY campaign, in the order of `image_ids`, and what it found on them.

    Arrays (N,); -1: none. `objects`: those that count, an `easy` image's too.
    """

    image_ids: list[int]
    dataset_label: np.ndarray
    num_objects: np.ndarray
    main_object: np.ndarray
    dataset_object: np.ndarray
    objects: Objects


def headlines(
    contains: Campaign, classify: Campaign, truth: Mapping[str, set[str]] | None = None
) -> Headlines:
    """Headline numbers of a CONTAINS campaign and the CLASSIFY campaign that followed it.

    Both must have been aggregated. `truth`: image key -> keys of the labels of its objects.
    """
    pairs = contains.pairs.count()
    images = contains.campaign_images.count()
    annotations = read_annotations(classify)
    groups = classify.campaign_images.values_list("group").annotate(n=Count("pk"))
    return Headlines(
        images=images,
        pairs=pairs,
        candidates_per_image=pairs / images if images else 0.0,
        hits={campaign.kind: campaign.hits.count() for campaign in (contains, classify)},
        judgments={
            contains.kind: _counted(contains, "judgments"),
            classify.kind: _counted(classify, "responses"),
        },
        workers=Assignment.objects.filter(USED, campaign__in=[contains, classify])
        .values("worker")
        .distinct()
        .count(),
        rivalled=_rivalled(contains, classify.min_judgments or contains.judgments_needed),
        groups=dict(groups.order_by("group")),
        multi_object=numbers.multi_object(annotations.objects.counted),
        multi_object_truth=None if truth is None else _truth(annotations, truth),
        disagreements=numbers.disagreements(
            annotations.num_objects, annotations.main_object, annotations.dataset_object
        ),
        accuracies=[
            numbers.accuracy(
                classifier.name,
                read_top_labels(classifier, annotations.image_ids),
                annotations.dataset_label,
                annotations.objects,
            )
            for classifier in Classifier.objects.filter(dataset=contains.dataset).order_by("name")
        ],
    )


def read_annotations(classify: Campaign) -> Annotations:
    """The campaign's images with their results, whether they were asked or not.

    Objects are left out where an image's labels were too many to be parted (rule O6).
    """
    images = CampaignImage.objects.filter(campaign=classify).order_by("image")
    rows = list(images.values_list("image", "image__dataset_label", "group"))
    row_of = {image: row for row, (image, _, _) in enumerate(rows)}
    num_objects, main_object, dataset_object = np.full((3, len(rows)), -1)
    parted = np.zeros(len(rows), bool)
    label_ids = dict(classify.dataset.labels.values_list("key", "pk"))
    object_images: list[int] = []
    object_labels: list[int] = []
    for result in ImageResult.objects.filter(campaign=classify, num_objects__isnull=False):
        row = row_of[result.image_id]
        num_objects[row] = result.num_objects
        main_object[row] = _or_none(result.main_object)
        dataset_object[row] = _or_none(result.dataset_object)
        parted[row] = len(result.objects_found) == result.num_objects
        if parted[row]:
            for found_object in result.objects_found:
                object_images += [row] * len(found_object["labels"])
                object_labels += [label_ids[key] for key in found_object["labels"]]
    dataset_label = np.array([_or_none(label) for _, label, _ in rows], int)
    objects = numbers.settled_objects(
        num_objects,
        parted,
        np.array(object_images, int),
        np.array(object_labels, int),
        np.array([group == "easy" for _, _, group in rows], bool),
        dataset_label,
    )
    return Annotations(
        list(row_of), dataset_label, num_objects, main_object, dataset_object, objects
    )


def read_top_labels(classifier: Classifier, image_ids: list[int]) -> np.ndarray:
    """The classifier's first label on each of these images (N,); -1 without a prediction."""
    top = dict(
        Prediction.objects.filter(classifier=classifier, labels__len__gt=0).values_list(
            "image", "labels__0"
        )
    )
    return np.array([top.get(image, -1) for image in image_ids], int)


def _or_none(value: int | None) -> int:
    return -1 if value is None else value


def _counted(campaign: Campaign, name: str) -> int:
    """A count of the campaign's latest aggregation; 0 before the first."""
    run = campaign.runs.first()
    return run.counts[name] if run else 0


def _rivalled(contains: Campaign, min_judgments: int) -> Share:
    pairs = PairResult.objects.filter(pair__campaign=contains).values_list(
        "pair__image", "pair__label", "pair__image__dataset_label", "selected", "shown"
    )
    images, labels, dataset_labels, selected, shown = (
        np.array(list(pairs), dtype=object).reshape(-1, 5).T
    )
    _, image = np.unique(images.astype(int), return_inverse=True)
    return numbers.rivalled(
        image,
        (labels == dataset_labels).astype(bool),
        selected.astype(int),
        shown.astype(int),
        min_judgments,
    )


def _truth(annotations: Annotations, truth: Mapping[str, set[str]]) -> Share:
    keys = Image.objects.in_bulk(annotations.image_ids)
    true_objects = [len(truth.get(keys[image].key, ())) for image in annotations.image_ids]
    return numbers.multi_object_truth(annotations.objects.counted, np.array(true_objects, int))
