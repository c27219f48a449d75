"""The headline numbers of a study: CONTAINS, then CLASSIFY, then the classifiers measured again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from django.db import connection
from django.db.models import Count

from imagesets.models import Image
from models_inference.models import Classifier, Prediction
from tasks.models import Assignment, Campaign, CampaignImage, ImageResult, Pair, PairResult
from tasks.models.assignment import USED
from tasks.models.campaign import Kind
from tasks.sql.judgments import ANSWERED, ITEMS, ITEMS_TO_COUNT, RESPONSE, SEEN
from tasks.sql.used import used


@dataclass(frozen=True)
class Share:
    """So many of so many; `share` is None where there is nothing to share."""

    count: int
    n: int

    @property
    def share(self) -> float | None:
        return self.count / self.n if self.n else None

    def __str__(self) -> str:
        return f"{100 * self.count / self.n:.1f} %" if self.n else "-"


@dataclass
class Accuracy:
    """A classifier's top-1 (against the dataset label) and multi-label accuracy (any object)."""

    classifier: str
    top1: dict[str, Share] = field(default_factory=dict)  # by "all", "single", "multi"
    multi_label: dict[str, Share] = field(default_factory=dict)


@dataclass
class Headlines:
    """What a study found, each number with its n."""

    images: int
    pairs: int
    candidates_per_image: float
    hits: dict[str, int]
    judgments: dict[str, int]
    workers: int
    rivalled: Share  # images with another label selected at least as often as the dataset label
    groups: dict[str, int]
    multi_object: Share
    multi_object_truth: Share | None
    disagreements: Share  # of multi-object images that show the dataset label's object
    accuracies: list[Accuracy]


def headlines(
    contains: Campaign, classify: Campaign, truth: Mapping[str, set[str]] | None = None
) -> Headlines:
    """Headline numbers of a CONTAINS campaign and the CLASSIFY campaign that followed it.

    Both must have been aggregated. `truth`: image key -> keys of the labels of its objects.
    Images settled in CONTAINS (easy) count as one object; those of too few judgments (amb) are in
    no fraction over the study (SCIENCE 5, rule 5).
    """
    pairs = Pair.objects.filter(campaign=contains).count()
    images = CampaignImage.objects.filter(campaign=contains).count()
    number, objects = numbers_of_objects(classify), objects_by_image(classify)
    multi = {image for image, n in number.items() if n > 1}
    results = ImageResult.objects.filter(campaign=classify, dataset_object__isnull=False)
    shown = results.filter(num_objects__gt=1)
    disagree = sum(result.main_object != result.dataset_object for result in shown)
    truth_share = None
    if truth is not None:
        keys = dict(Image.objects.filter(pk__in=number).values_list("pk", "key"))
        truth_share = Share(
            sum(len(truth.get(keys[image], ())) > 1 for image in number), len(number)
        )
    return Headlines(
        images=images,
        pairs=pairs,
        candidates_per_image=pairs / images if images else 0.0,
        hits={c.kind: c.hits.count() for c in (contains, classify)},
        judgments={c.kind: _used_judgments(c) for c in (contains, classify)},
        workers=Assignment.objects.filter(USED, campaign__in=[contains, classify])
        .values("worker")
        .distinct()
        .count(),
        rivalled=_rivalled(contains),
        groups=dict(
            CampaignImage.objects.filter(campaign=classify)
            .values_list("group")
            .annotate(n=Count("pk"))
            .order_by("group")
        ),
        multi_object=Share(len(multi), len(number)),
        multi_object_truth=truth_share,
        disagreements=Share(disagree, shown.count()),
        accuracies=list(_accuracies(contains, number, objects)),
    )


def numbers_of_objects(classify: Campaign) -> dict[int, int]:
    """How many objects each image has that the study can speak of: image id -> number.

    From CLASSIFY where it was asked and answered; an `easy` image is one object.
    """
    answered = ImageResult.objects.filter(campaign=classify).values_list("image_id", "num_objects")
    easy = CampaignImage.objects.filter(campaign=classify, group="easy")
    return {image: number for image, number in answered if number is not None} | dict.fromkeys(
        easy.values_list("image_id", flat=True), 1
    )


def objects_by_image(classify: Campaign) -> dict[int, list[set[int]]]:
    """The objects of those images: image id -> sets of label ids; an `easy` one is its dataset
    label. Without those whose labels were too many to be parted (Run.notes)."""
    ids = dict(classify.dataset.labels.values_list("key", "pk"))
    found = {
        result.image_id: [{ids[label] for label in one["labels"]} for one in result.objects_found]
        for result in ImageResult.objects.filter(campaign=classify, num_objects__isnull=False)
        if len(result.objects_found) == result.num_objects
    }
    easy = CampaignImage.objects.filter(campaign=classify, group="easy").values_list(
        "image_id", "image__dataset_label_id"
    )
    return found | {image: [{label}] for image, label in easy}


def _used_judgments(campaign: Campaign) -> int:
    """Used study judgments: what `judgments` exports as used and not a control."""
    items, judged = ITEMS_TO_COUNT, SEEN
    if campaign.kind == Kind.CLASSIFY:
        items, judged = ITEMS + RESPONSE, ANSWERED
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM tasks_assignment a {items}
            WHERE a.campaign_id = %s AND {used()} AND {judged} AND i.role = 'study'
            """,
            [campaign.pk],
        )
        return int(cursor.fetchone()[0])


def _rivalled(contains: Campaign) -> Share:
    """Images where another label's SF is at least the dataset label's, of those with both."""
    own: dict[int, Fraction] = {}
    best: dict[int, Fraction] = {}
    rows = PairResult.objects.filter(pair__campaign=contains, shown__gt=0).values_list(
        "pair__image_id", "pair__label_id", "pair__image__dataset_label_id", "selected", "shown"
    )
    for image, label, dataset_label, selected, shown in rows:
        sf = Fraction(selected, shown)
        if label == dataset_label:
            own[image] = sf
        else:
            best[image] = max(best.get(image, Fraction(0)), sf)
    return Share(sum(best.get(image, Fraction(-1)) >= sf for image, sf in own.items()), len(own))


def _accuracies(
    contains: Campaign, number: dict[int, int], objects: dict[int, list[set[int]]]
) -> Iterator[Accuracy]:
    """Every classifier of the dataset, measured on the images that the study can speak of."""
    labels = dict(Image.objects.filter(pk__in=number).values_list("pk", "dataset_label_id"))
    splits = {
        "all": set(number),
        "single": {image for image, n in number.items() if n == 1},
        "multi": {image for image, n in number.items() if n > 1},
    }
    for classifier in Classifier.objects.filter(dataset=contains.dataset).order_by("name"):
        top = {
            image: predicted[0]
            for image, predicted in Prediction.objects.filter(
                classifier=classifier, image__in=number
            ).values_list("image_id", "labels")
            if predicted
        }
        accuracy = Accuracy(classifier.name)
        for split, images in splits.items():
            known = [image for image in images if image in top]
            accuracy.top1[split] = Share(sum(top[i] == labels[i] for i in known), len(known))
            parted = [image for image in known if image in objects]
            accuracy.multi_label[split] = Share(
                sum(any(top[i] in one for one in objects[i]) for i in parted), len(parted)
            )
        yield accuracy
