"""The study in at most five sentences, made from the numbers of report.json."""

from typing import Any

from annotation.report.wording import Numbers, Plain, count, to


def abstract(report: Plain) -> list[str]:
    """What was asked, what images show, what labels say, what classifiers say, what workers say.

    A sentence that the study has no figure for is left out.
    """
    sentences = (_asked, _objects, _labels, _classifiers, _selections)
    return [text for make in sentences if (text := make(report))]


def numbers_of(report: Plain, figure: str) -> Numbers | None:
    """A figure's numbers; None where it is missing."""
    found = report["figures"].get(figure)
    return Numbers(found) if found and found["data"] is not None else None


def _asked(report: Plain) -> str:
    study = report["study"]
    answers = study["answers"]
    contains, classify = answers["contains"], answers["classify"]
    workers = count(answers["workers"], "worker", "workers")
    images = f"{count(study['images'], 'image', 'images')} of {study['dataset']}"
    if contains is None and classify is None:
        return f"Nobody has answered yet about the {images}."
    said = ""
    if classify is not None:
        responses = count(classify["responses"], "response", "responses")
        said = f"said in {responses} which objects"
    if contains is None:
        n = classify["images"]
        shown = count(n, "image", "images")
        return (
            f"{workers} {said} {shown} of {study['dataset']} {_show(n)}, and which is the main one."
        )
    judgments = count(contains["judgments"], "judgment", "judgments")
    pairs = count(contains["pairs"], "pair", "pairs")
    text = f"{workers} gave {judgments} on {pairs} of an image and a label, for {images}"
    if classify is None:
        return f"{text}."
    n = classify["images"]
    if n == study["images"]:
        which = "it" if n == 1 else "they"
    else:
        which = f"{n:,} of them"
    return f"{text}, and {said} {which} {_show(n)} and which is the main one."


def _show(n: int) -> str:
    return "shows" if n == 1 else "show"


def _objects(report: Plain) -> str:
    of = numbers_of(report, "R1")
    if of is None:
        return "How many objects the images show was not asked."
    settled = report["study"]["populations"]["settled"]
    if not settled:
        return "No image's number of objects is settled yet."
    if settled == 1:
        (objects,) = of["histogram_settled"]
        shows = {"0": "none of the labels offered", "1": "a single object"}
        return f"The one image that is settled shows {shows.get(objects, f'{objects} objects')}."
    several = of["multi_object"]
    text = _how_many(report, of, settled)
    apart = numbers_of(report, "R5")
    if not several or apart is None or apart["disagreements_of_multi"] is None:
        return f"{text}."
    return (
        f"{text}; on {apart.share('/disagreements_of_multi')} of those that were followed up,"
        " people take another object for the main one than the one that the dataset label names."
    )


def _how_many(report: Plain, of: Numbers, settled: int) -> str:
    if not of["multi_object"]:
        low_high = of.intervals.get("/fraction_multi/of_settled")
        most = f", so that at most {100 * low_high[1]:.1f} % do" if low_high else ""
        return f"None of the {settled:,} settled images shows more than one object{most}"
    whole = of.share("/fraction_multi/of_settled")
    follow_up = report["study"]["answers"]["groups"].get("fu", {})
    if follow_up.get("answered", 0) < follow_up.get("images", 0) and (
        of["fraction_multi"]["weighted"] is not None
    ):
        weighted = of.share("/fraction_multi/weighted")
        return (
            f"An estimated {weighted} of images show more than one object; of the {settled:,}"
            f" settled ones {whole} do"
        )
    return f"{whole} of the {settled:,} settled images show more than one object"


def _labels(report: Plain) -> str | None:
    of = numbers_of(report, "R7")
    if of is None:
        return None
    n = report["figures"]["R7"]["n"]
    if not n:
        return (
            "On no image does the dataset label have enough judgments to be compared with others."
        )
    at_least, half = (f"/thresholds/{t}/fraction_with_another" for t in ("1.0", "0.5"))
    if n == 1:
        another = "another label" if of[at_least] else "no other label"
        return (
            f"On the one image with enough judgments, workers select {another} at least as often as"
            " the dataset label."
        )
    return (
        f"On {of.share(at_least)} of the {n:,} images with enough judgments, workers select another"
        f" label at least as often as the dataset label, and on {of.share(half)} at least half as"
        " often."
    )


def _classifiers(report: Plain) -> str | None:
    of = numbers_of(report, "R3")
    if of is None:
        return "No classifier's predictions were measured."
    best = of.best("/models", "all")
    if best is None:
        return None
    n = len(report["study"]["classifiers"])
    if report["study"]["images"] == 1:
        right = [row["all"] for row in of["models"].values()].count(1.0)
        if n == 1:
            return f"{best} {'names' if right else 'does not name'} its dataset label."
        return f"Its dataset label is named by {right or 'none'} of {n} classifiers."
    who = best if n == 1 else f"Of {n} classifiers {best} agrees most with the dataset labels: it"
    text = f"{who} names the dataset label on {of.share(to('models', best, 'all'))} of images"
    row = of[to("models", best)]
    if row.get("single") is not None and row.get("multi") is not None:
        single, multi = (to("models", best, name) for name in ("single", "multi"))
        text += (
            f", on {of.share(single)} of those with one object and {of.share(multi)} of those with"
            f" several{_overlap(of.intervals.get(single), of.intervals.get(multi))}"
        )
    objects = numbers_of(report, "R4")
    if objects is not None and objects[to("any_label", best, "settled")] is not None:
        text += (
            "; where any object's label counts as right, on"
            f" {objects.share(to('any_label', best, 'settled'))}"
        )
    return f"{text}."


def _overlap(one: Any, other: Any) -> str:
    if not one or not other or one[1] < other[0] or other[1] < one[0]:
        return ""
    return " (these two intervals overlap)"


def _selections(report: Plain) -> str | None:
    of = numbers_of(report, "R10")
    if of is None or of["dataset_label"]["mean_sf"] is None:
        agreement = numbers_of(report, "R16")
        if agreement is None or agreement["classify"] is None:
            return None
        if agreement["classify"]["pairwise_agreement"] is None:
            return None
        share = agreement.share("/classify/pairwise_agreement")
        return f"Two workers name the same main label on {share} of occasions."
    own = of.share("/dataset_label/mean_sf")
    average = " on average" if of["dataset_label"]["images"] > 1 else ""
    text = f"Shown the dataset label, {own} of workers select it{average}"
    best = of.best("/models", "mean_sf")
    if best is None:
        return f"{text}."
    first = of.share(to("models", best, "mean_sf"))
    return f"{text}; shown the first label of {best}, {first} do."
