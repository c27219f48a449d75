"""A paragraph on how the study was done, with its exact settings, ready to adapt for a paper."""

from fractions import Fraction
from typing import Any

from annotation.report.wording import Plain, count


def methods(report: Plain) -> list[str]:
    """The paragraph's sentences, made from the study's settings."""
    study = report["study"]
    settings, answers = study["settings"], study["answers"]
    sentences = [*_candidates(study)]
    if answers["contains"] is not None:
        sentences += _contains(settings["contains"])
        if study.get("added"):
            sentences.append(
                "Pairs that it did not ask were asked later, and count only in R10, R11, R13 and"
                f" where B1, B3 and B6 go by R10 (campaign {', '.join(study['added'])})."
            )
    if answers["classify"] is not None:
        source = settings["contains"] if answers["contains"] is not None else None
        sentences += _classify(settings["classify"], source, answers)
    return [*sentences, *_computed(report)]


def _candidates(study: dict[str, Any]) -> list[str]:
    n = count(study["images"], "image", "images")
    labelled = study["dataset_labels"]
    text = f"The study covers {n} of {study['dataset']}"
    if labelled < study["images"]:
        text += f", {labelled:,} of which have a dataset label"
    return [
        f"{text}. It follows Tsipras et al. (2020).",
        *_withdrawn(study.get("withdrawn") or 0),
        *_chosen((study["settings"].get("contains") or {}).get("candidates"), study),
    ]


def _withdrawn(images: int) -> list[str]:
    if not images:
        return []
    verb = "was withdrawn and counts" if images == 1 else "were withdrawn and count"
    return [f"{count(images, 'more image', 'more images')} of it {verb} in no figure."]


def _chosen(candidates: dict[str, Any] | None, study: dict[str, Any]) -> list[str]:
    if study["answers"]["contains"] is None:
        return []
    pairs = study["answers"]["contains"]["pairs"]
    per_image = f"{pairs / study['images']:.1f} an image"
    chosen = candidates or {}
    named, k, least = chosen.get("classifiers"), chosen.get("k", 5), chosen.get("min_models", 1)
    who = f"of {', '.join(named)}" if named else "of every classifier that had predicted"
    text = (
        f"Candidate labels of an image were its dataset label and the top {k} labels {who}"
        f" ({pairs:,} pairs of an image and a label, {per_image})"
    )
    if least > 1:
        text += f"; a label other than the dataset label had to be named by {least} of them"
    return [f"{text}."]


def _contains(settings: dict[str, Any]) -> list[str]:
    r, rounds = settings["workers_per_item"], settings["round_size"]
    answer = "yes, maybe or no" if settings["maybe"] else "yes or no"
    text = (
        f"In the first task (CONTAINS) a worker saw up to {settings['grid_size']} images at a time"
        " and selected those that contain at least one object of a label; for each pair of an image"
        f" and a label {r} distinct workers were wanted ({answer})"
    )
    if rounds < r:
        text += f", asked in rounds of {rounds}"
    return [
        f"{text}. The selection frequency of a pair is the share of the workers shown it who"
        " selected it."
    ]


def _classify(
    settings: dict[str, Any], contains: dict[str, Any] | None, answers: dict[str, Any]
) -> list[str]:
    r = settings["workers_per_item"]
    sentences = []
    if contains is not None:
        least = settings["min_judgments"]
        enough = -(-contains["workers_per_item"] // 2) if least is None else least
        share = _share(settings["min_relative_sf"])
        sentences.append(
            f"Images whose dataset label had at least {count(enough, 'judgment', 'judgments')} and"
            f" a rival of at least {share} of its selection frequency were followed up; labels"
            f" of at least that frequency, at most {settings['max_offered']} an image, were"
            " offered to workers."
        )
    sentences.append(
        f"In the second task (CLASSIFY) {count(r, 'worker', 'workers')} an image checked the labels"
        " of distinct objects and named the main one, or said that none of the labels fits."
    )
    sentences.append(
        "The number of objects is the most frequent number of labels checked; the labels were"
        " parted into that many objects such that labels checked together fall apart as"
        " often as possible."
    )
    groups = answers["groups"]
    asked = [
        f"{row['answered']:,} of {count(row['images'], 'image', 'images')} {NAMES[name]}"
        for name, row in groups.items()
        if name in NAMES
    ]
    return [*sentences, f"Answered were {'; '.join(asked)}."] if asked else sentences


NAMES = {
    "fu": "to be followed up",
    "mis": "whose dataset label nobody selected",
    "easy": "settled by CONTAINS as one object",
}


def _share(text: str) -> str:
    share = Fraction(text)
    return "half" if share == Fraction(1, 2) else f"{float(share):g}"


def _computed(report: Plain) -> list[str]:
    study, figures = report["study"], report["figures"]
    sentences = [
        "Intervals are 95 % intervals without resampling. They count the spread of images within"
        " their dataset labels and that of workers over all their answers, with Student's t; shares"
        " have them on the logit scale."
    ]
    fit = ((figures.get("R15") or {}).get("data") or {}).get("posterior")
    if fit:
        sentences.append(
            "Posteriors of pairs are those of a model of Dawid and Skene (1979) with two states,"
            f" its likelihood raised to the power {fit['tau']:g}, chosen by the answers themselves."
        )
    if (figures.get("B3") or {}).get("data"):
        sentences.append("Differences between classifiers are paired; p values are Holm's.")
    sentences.append(
        f"Halves of workers were drawn with seed {study['seed']}. Computed by Second Look"
        f" {study['software']}."
    )
    return sentences
