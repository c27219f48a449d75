"""An image's candidates: where each came from, how often it was selected, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from annotation.explorer.answers import SAID, Said, said_of
from annotation.explorer.cards import Row, short
from annotation.explorer.view import View
from imagesets.models import Image, Label
from models_inference.models import Prediction
from models_inference.predictions.candidates import candidate_pairs
from tasks.models import Campaign, Pair
from tasks.models.campaign import State

TOP = 5  # labels of a classifier


@dataclass(frozen=True)
class Candidate:
    """A label that may be in an image. sources: where it came from, in words. campaign: that of
    CONTAINS that asked, if another than the study's own."""

    row: Row
    definition: str
    sources: list[str]
    posterior: str = ""
    campaign: str = ""
    said: list[tuple[str, list[Said]]] = field(default_factory=list)


@dataclass(frozen=True)
class Top:
    """One classifier's labels for an image, best first: name, score, whether the dataset's."""

    classifier: str
    verdict: str
    labels: list[tuple[str, str, bool]]


def candidates_of(view: View, image: Image, additions: Sequence[Campaign]) -> list[Candidate]:
    """The dataset label first, then by falling SF, then key.

    Of CONTAINS and what was added to it; without it, what CLASSIFY may offer; without a study,
    what a campaign would ask today.
    """
    asking = [*([view.contains] if view.contains else []), *additions]
    if not view.campaigns or not (asking or view.classify):
        return _unasked(view, image)
    pairs = list(
        Pair.objects.filter(campaign__in=asking or [view.classify], image=image).select_related(
            "label", "result", "campaign"
        )
    )
    if not pairs:
        return _unasked(view, image)
    said = said_of(image, asking)
    made = [
        _candidate(pair, image, said.get((pair.campaign_id, pair.label_id), []), view)
        for pair in pairs
    ]
    made.sort(key=lambda each: (not each.row.of_dataset, -each.row.share, each.row.key))
    return made


def _candidate(pair: Pair, image: Image, said: list[Said], view: View) -> Candidate:
    result = getattr(pair, "result", None)
    row = Row.of(pair.label, pair.label_id == image.dataset_label_id, result)
    by_word = [(word, [each for each in said if each.said == word]) for word in SAID]
    return Candidate(
        row,
        pair.label.definition,
        [source_in_words(source) for source in pair.sources],
        short(result.posterior) if result is not None and result.posterior is not None else "",
        "" if pair.campaign in view.campaigns else pair.campaign.name,
        [(word, some) for word, some in by_word if some],
    )


def _unasked(view: View, image: Image) -> list[Candidate]:
    found = list(candidate_pairs(view.dataset, [image.pk]))
    labels = Label.objects.in_bulk([each.label_id for each in found])
    found.sort(key=lambda each: (each.label_id != image.dataset_label_id, -(each.score or 0)))
    return [
        Candidate(
            Row.of(labels[each.label_id], each.label_id == image.dataset_label_id, None),
            labels[each.label_id].definition,
            [source_in_words(source) for source in each.sources],
        )
        for each in found
        if each.label_id in labels
    ]


def source_in_words(source: object) -> str:
    """ "dataset", or "resnet50: rank 2, .31"."""
    if isinstance(source, list) and len(source) == 3:
        name, rank, score = source
        return f"{name}: rank {rank}, {short(score)}"
    return str(source)


def tops_of(image: Image) -> list[Top]:
    """What each classifier says of an image, by the classifiers' names."""
    rows = Prediction.objects.filter(image=image).select_related("classifier")
    predictions = sorted(rows, key=lambda each: each.classifier.name)
    labels = Label.objects.in_bulk({pk for each in predictions for pk in each.labels})
    return [_top(each, labels, image.dataset_label_id) for each in predictions]


def _top(prediction: Prediction, labels: Mapping[int, Label], own: int | None) -> Top:
    ranked = list(zip(prediction.labels, prediction.scores, strict=True))[:TOP]
    verdict = ""
    if own is not None and ranked:
        verdict = "right" if ranked[0][0] == own else "wrong"
    return Top(
        prediction.classifier.name,
        verdict,
        [
            (labels[pk].names[0] if pk in labels else str(pk), short(score), pk == own)
            for pk, score in ranked
        ],
    )


def additions_of(view: View) -> list[Campaign]:
    """The campaigns that asked, later, what the study's CONTAINS campaign had not."""
    if view.contains is None:
        return []
    return list(view.contains.additions.exclude(state=State.DRAFT).order_by("created_at"))
