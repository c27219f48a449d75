"""An answered study to look through, and what its views hold, told image by image."""

import random
from fractions import Fraction
from typing import Any

from imagesets.models import Dataset, Image
from models_inference.models import Prediction
from tasks.campaigns.publish import close
from tasks.models import Assignment, Campaign, HITItem, ImageResult, Pair, PairResult
from tasks.results import aggregate
from tests.factories import make_campaign, make_dataset, make_workers, work_through

WORKERS = 4  # an even number, so that some pairs have exactly half


def make_explored_study(
    images: int = 24, labels: int = 6, slug: str = "small", **dataset: Any
) -> tuple[Campaign, Campaign]:
    """CONTAINS, closed, and CLASSIFY after it, with results of both that differ from image to
    image; classifier `second` is right on a third of them. The last image has no dataset label,
    the one before it no prediction of `second`."""
    made = make_dataset(images, labels, slug, **dataset)
    last, *_, second_last = made.images.order_by("-key")[:2]
    Image.objects.filter(pk=last.pk).update(dataset_label=None)
    for number, row in enumerate(
        Prediction.objects.filter(classifier__name="second").order_by("pk")
    ):
        if number % 3 == 0:
            row.labels = row.labels[::-1]
        if number % 9 == 0:
            row.labels = [row.image.dataset_label_id or row.labels[0], row.labels[0]]
        row.save()
    Prediction.objects.filter(image=second_last, classifier__name="second").delete()
    contains = make_campaign(
        made, slug=f"{slug}-grid", workers_per_item=WORKERS, round_size=WORKERS
    )
    work_through(contains, make_workers(WORKERS), _leaning)
    aggregate(contains)
    close(contains, "a test")
    form = make_campaign(
        made,
        "classify",
        slug=f"{slug}-form",
        source=contains,
        workers_per_item=WORKERS,
        round_size=WORKERS,
    )
    work_through(form, make_workers(WORKERS), _choosing)
    aggregate(form)
    return contains, form


def _leaning(assignment: Assignment) -> dict[str, Any]:
    """CONTAINS: each pair is selected by its own share of the workers. Nobody selects the dataset
    label of 001.jpg, and nobody sees 002.jpg under its own."""
    selected, unseen = [], []
    items = HITItem.objects.filter(hit=assignment.hit).select_related("image", "label")
    for item in items:
        own, pair = item.label_id == item.image.dataset_label_id, (item.image.key, item.label.key)
        who = _drawn(*pair, assignment.worker.external_id).random()
        share = _drawn(*pair).random()
        if own and item.image.key == "002.jpg":
            unseen.append(item.position)
        elif own and item.image.key == "001.jpg":
            continue
        elif who < (0.4 + 0.6 * share if own else share**2):
            selected.append(item.position)
    return {"selected": selected, "maybe": [], "unseen": unseen}


def _choosing(assignment: Assignment) -> dict[str, Any]:
    """CLASSIFY: up to three labels, the main one among them; now and then none."""
    answers = []
    items = dict(HITItem.objects.filter(hit=assignment.hit).values_list("position", "image__key"))
    for position in assignment.shown:
        key = items[position]
        pairs = Pair.objects.filter(campaign=assignment.campaign, image__key=key)
        offered = list(pairs.order_by("label__key").values_list("label_id", flat=True))
        rng = _drawn(key, assignment.worker.external_id)
        number = min(len(offered), rng.choice([0, 1, 1, 2, 2, 3]))
        selected = rng.sample(offered, number)
        main = selected[0] if selected else None
        answers.append({"offered": offered, "selected": selected, "main": main, "other": ""})
    return {"answers": answers}


def _drawn(*of: str) -> random.Random:
    """Numbers that are the same in every run."""
    return random.Random(" ".join(of))


class Row:
    """An image and all that filters ask about it, read one by one."""

    def __init__(self, image: Image, contains: Campaign, form: Campaign) -> None:
        self.image = image
        self.key = image.key
        own = image.dataset_label
        self.own = own.key if own else None
        self.names = own.names if own else []
        self.withdrawn = image.withdrawn_at is not None
        self.counts = {
            result.pair.label.key: (result.selected, result.shown, result.posterior)
            for result in PairResult.objects.filter(
                pair__campaign=contains, pair__image=image
            ).select_related("pair__label")
        }
        asked = form.campaign_images.filter(image=image).first()
        self.group = asked.group if asked and asked.group else "none"
        self.result = ImageResult.objects.filter(campaign=form, image=image, workers__gt=0).first()
        self.mains = _mains(image, form)
        self.tops = {
            prediction.classifier.name: prediction.labels[0] == image.dataset_label_id
            for prediction in Prediction.objects.filter(image=image).select_related("classifier")
        }

    @property
    def disagreement(self) -> Fraction | None:
        if self.own is None:
            return None
        if self.result is not None:
            return 1 - Fraction(self.mains.count(self.own), self.result.workers)
        selected, shown, _ = self.counts.get(self.own, (0, 0, None))
        return 1 - Fraction(selected, shown) if shown else None

    def passes(self, name: str, value: str, of: str = "") -> bool:
        """Whether one value of one filter lets the image through."""
        match name:
            case "group":
                return self.group == value
            case "objects":
                number = self.result.num_objects if self.result else None
                if value in ("none", "4"):
                    return number is None if value == "none" else number is not None and number > 3
                return number == int(value)
            case "disagreement":
                return self._disagrees(value)
            case "models":
                right = sum(self.tops.values())
                return {
                    "no": bool(self.tops) and right == 0,
                    "some": 0 < right < len(self.tops),
                    "all": bool(self.tops) and right == len(self.tops),
                    "none": not self.tops,
                }[value]
            case "label":
                return self.own == value
            case "shows":
                selected, shown, _ = self.counts.get(value, (0, 0, None))
                return shown > 0 and Fraction(selected, shown) >= Fraction(1, 2)
            case "main":
                return self.result is not None and self.result.main_label == value
            case "right":
                return self.tops.get(value) is True
            case "wrong":
                return self.tops.get(value) is False
            case "withdrawn":
                return self.withdrawn
            case "text":
                text = value.casefold()
                return text in self.key.casefold() or any(text in name for name in self.names)
        selected, shown, posterior = self.counts.get(of or self.own or "", (0, 0, None))
        low = name.endswith("from")
        if name.startswith("sf"):
            if not shown:
                return False
            sf = Fraction(selected, shown)
            return sf >= Fraction(value) if low else sf <= Fraction(value)
        if not shown or posterior is None:
            return False
        return posterior >= float(value) if low else posterior <= float(value)

    def _disagrees(self, value: str) -> bool:
        share = self.disagreement
        if value == "object":
            found = self.result
            return (
                found is not None
                and (found.num_objects or 0) > 1
                and found.dataset_object is not None
                and found.main_object != found.dataset_object
            )
        if share is None or value == "none":
            return share is None and value == "none"
        return {
            "all": share == 1,
            "half": Fraction(1, 2) <= share < 1,
            "some": 0 < share < Fraction(1, 2),
            "no": share == 0,
        }[value]


def _mains(image: Image, form: Campaign) -> list[str]:
    """The keys of the main labels that the answers on an image name."""
    keys = dict(image.dataset.labels.values_list("pk", "key"))
    positions = dict(
        HITItem.objects.filter(hit__campaign=form, image=image).values_list("hit", "position")
    )
    given = [
        answer.answers[answer.shown.index(positions[answer.hit_id])]
        for answer in Assignment.objects.filter(hit__in=positions, submitted_at__isnull=False)
        if answer.answers
    ]
    return [keys[each["main"]] for each in given if each["main"] is not None]


def rows_of(dataset: Dataset, contains: Campaign, form: Campaign) -> list[Row]:
    """The study's images in the explorer's order."""
    rows = [Row(image, contains, form) for image in dataset.images.select_related("dataset_label")]
    rows.sort(
        key=lambda row: (row.disagreement is None, -(row.disagreement or Fraction(0)), row.key)
    )
    return rows
