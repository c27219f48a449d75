"""What each figure found, in a sentence made of its numbers."""

from collections.abc import Callable, Mapping

from annotation.report.wording import Numbers as _Numbers
from annotation.report.wording import Plain, sentence, to
from annotation.report.wording import count as _count


def finding(name: str, figure: Plain) -> str | None:
    """The sentence of a figure ("R1" ...); None where it is missing, or says nothing yet."""
    return None if figure["data"] is None else _SENTENCES[name](_Numbers(figure))


def _estimated(of: _Numbers, *keys: str) -> str:
    """A weighted share, to go first where images to be followed up are not answered, else ""."""
    pointer = to(*keys, "weighted")
    if not of.data.get("fu_not_answered") or of[pointer] is None:
        return ""
    return f"an estimated {of.share(pointer)} of images"


def _r1(of: _Numbers) -> str:
    share = of.share("/fraction_multi/of_settled")
    if estimated := _estimated(of, "fraction_multi"):
        return f"A{estimated[1:]} show more than one object; of those settled {share} do."
    if not of["multi_object"]:
        return "No settled image shows more than one object."
    images = _count(of["multi_object"], "image shows", "images show")
    return f"{images} more than one object: {share} of those settled."


def _r2(of: _Numbers) -> str | None:
    if not of["top"]:
        return "No two objects stand beside each other on three images or more."
    first = of["top"][0]
    return (
        f"Most often {first['other']} stands beside {first['dataset_label']}: on {first['images']}"
        f" of {_count(first['of'], 'image', 'images')}."
    )


def _r3(of: _Numbers) -> str | None:
    if (best := of.best("/models", "all")) is None:
        return None
    first = _estimated(of, "models", best)
    first = f"{first}, and " if first else ""
    share = of.share(to("models", best, "all"))
    most = " most often" if len(of["/models"]) > 1 else ""
    text = f"{best} agrees{most} with the dataset labels{most and ':'} on {first}{share}"
    single, multi = (of[to("models", best)].get(name) for name in ("single", "multi"))
    if single is None or multi is None:
        return f"{text} of images."
    return (
        f"{text} of images; {of.share(to('models', best, 'single'))} of those with one object and"
        f" {of.share(to('models', best, 'multi'))} of those with several."
    )


def _r4(of: _Numbers) -> str | None:
    if (best := of.best("/any_label", "settled")) is None:
        return None
    first = _estimated(of, "any_label", best)
    first = f"{first}, and " if first else ""
    text = (
        f"{best} names a label of some object on"
        f" {first}{of.share(to('any_label', best, 'settled'))} of settled images."
    )
    signs = {reading: _sign(of[to(reading, best)]) for reading in READINGS}
    if len(set(signs.values()) - {None}) > 1:
        text += (
            " Whether it does better on images with one object than on those with several depends"
            " on what counts as a label of an object."
        )
    return text


READINGS = ("any_label", "chosen_by_half", "object_name")


def _sign(populations: Mapping[str, float | None]) -> bool | None:
    single, multi = populations["single"], populations["multi"]
    return None if single is None or multi is None else single >= multi


def _r5(of: _Numbers) -> str:
    average = f"On average {of.share('/mean_share')} of workers name the dataset label main."
    if of["disagreements_of_multi"] is None:
        return f"No followed-up image shows several objects. {average}"
    images = _count(of["disagreements"], "image", "images") if of["disagreements"] else "no image"
    return (
        f"On {images} the main object is another than the dataset label's:"
        f" {of.share('/disagreements_of_multi')} of followed-up images with several objects."
        f" {average}"
    )


def _r6(of: _Numbers) -> str | None:
    if (best := of.best("/models", "dataset_label")) is None:
        return "The main object is the dataset label's on every image."
    own, main = (of.share(to("models", best, said)) for said in ("dataset_label", "main_object"))
    return (
        f"Where they differ, {best} names the dataset label on {own} of images and the main object"
        f" on {main}; an object named at random would be either on {of.share('/random_object')}."
    )


def _r7(of: _Numbers) -> str:
    whole, half = (f"/thresholds/{t}/fraction_with_another" for t in ("1.0", "0.5"))
    if of[whole] is None:
        return "No dataset label has enough judgments to be compared with other labels."
    return (
        f"On {of.share(whole)} of images workers select another label at least as often as the"
        f" dataset label, on {of.share(half)} at least half as often."
    )


def _r8(of: _Numbers) -> str:
    return (
        f"Asked together, workers select {of.number('/mean_selected')} of the"
        f" {of.number('/mean_offered')} labels that they are offered on a followed-up image."
    )


def _r9(of: _Numbers) -> str:
    if not of["top"]:
        return "No two labels are accepted together on three images or more."
    first = of["top"][0]
    return (
        f"{_count(of['pairs'], 'pair of labels is', 'pairs of labels are')} accepted together on"
        f" three images or more; most often {first['a']} and {first['b']}, on"
        f" {100 * first['share']:.0f} % of their images."
    )


def _r10(of: _Numbers) -> str:
    own = of.share("/dataset_label/mean_sf")
    text = f"Workers select the dataset label with a mean frequency of {own}"
    models = of["/models"]
    judged = [name for name in sorted(models) if models[name]["mean_sf"] is not None]
    if judged:  # unjudged labels flatter no model: they count as never selected
        best = max(judged, key=lambda name: models[name]["bounds"][0])
        text += f", and {best}'s first label with {of.share(to('models', best, 'mean_sf'))}"
    least = max(sorted(models), key=lambda name: models[name]["not_judged"], default=None)
    if least is None or not (unjudged := models[least]["not_judged"]):
        return f"{text}."
    low, high = models[least]["bounds"]
    predicted = _count(models[least]["images"] + unjudged, "image", "images")
    return (
        f"{text}. Workers were not shown {least}'s first label on {unjudged:,} of {predicted}:"
        f" its mean over all lies between {100 * low:.1f} % and {100 * high:.1f} %."
    )


def _r11(of: _Numbers) -> str | None:
    if (best := of.best("/models", "mean_sf")) is None:
        return "Every first label that workers were shown is the dataset label."
    errors = _count(of[to("models", best, "wrong")], "error", "errors")
    if of[to("models", best, "wrong")] == 1:
        share = of.share(to("models", best, "mean_sf"))
        return f"Workers were shown one error of {best}, and {share} select its label."
    return (
        f"Of {best}'s {errors} that workers were shown, they select the label with a mean frequency"
        f" of {of.share(to('models', best, 'mean_sf'))}."
    )


def _r12(of: _Numbers) -> str | None:
    people = model = ""
    if of["human_line"] is not None:
        line = of.share("/human_line")
        people = f"one worker's main label is that of the others on {line} of responses"
    if (best := of.best("/main_label", "fu")) is not None:
        share = of.share(to("main_label", best, "fu"))
        model = f"{best}'s first label is the main label on {share} of images"
        if first := _estimated(of, "main_label", best):
            model = f"{best}'s first label is the main label on {first}, and on {share} of those"
            model += " followed up and answered"
            return f"{model}; {people}." if people else f"{model}."
    if not people:
        return f"{model}." if model else None
    return f"{sentence(people)}; {model}." if model else f"{sentence(people)}."


def _r13(of: _Numbers) -> str | None:
    known = [row for row in of["classes"] if row["sf"] is not None]
    if not known:
        return None
    least = min(known, key=lambda row: (row["sf"], row["label"]))
    return (
        f"Workers select the dataset label least often where it is {least['label']}: with a mean"
        f" frequency of {100 * least['sf']:.0f} %."
    )


def _r14(of: _Numbers) -> str | None:
    if of["within_superclass"]["human"] is None:
        return None
    return (
        f"The main label is of the dataset label's superclass on"
        f" {of.share('/within_superclass/human')} of settled images."
    )


def _r15(of: _Numbers) -> str | None:
    if of["mean_agreement"] is None:
        return "On no pair do four workers' answers say how far one agrees with the others."
    return (
        f"On average workers agree with most of the others on {of.share('/mean_agreement')} of"
        f" answers, the one who agrees least on {of.share('/least_agreement')}."
    )


def _r16(of: _Numbers) -> str | None:
    said = []
    if of["contains"] is not None and of["contains"]["alpha"] is not None:
        said.append(f"Krippendorff's alpha is {of.number('/contains/alpha')} in CONTAINS")
    if of["classify"] is not None and of["classify"]["pairwise_agreement"] is not None:
        said.append(
            "two workers name the same main label on"
            f" {of.share('/classify/pairwise_agreement')} of occasions in CLASSIFY"
        )
    return f"{sentence('; '.join(said))}." if said else None


def _r17(of: _Numbers) -> str:
    return (
        "Of the labels offered in CLASSIFY a worker accepts"
        f" {of.number('/contains_mean_offered')} when asked one by one, and"
        f" {of.number('/classify_mean')} when asked together."
    )


def _b1(of: _Numbers) -> str | None:
    for metric, words in LEADING.items():
        rows = {name: model[metric] for name, model in sorted(of["/models"].items())}
        known = [name for name, row in rows.items() if row["value"] is not None]
        if not known:
            continue
        best = max(known, key=lambda name: rows[name]["value"])
        share = of.share(to("models", best, metric, "value"))
        if len(known) == 1:
            return f"By {words} {best} has {share}."
        text = f"{best} leads by {words}: {share}"
        if (ends := rows[best]["rank_interval"]) is None:
            return f"{text}."
        return f"{text}; it ranks {ends[0]:g} to {ends[1]:g} of {len(known)}."
    return None


LEADING = {
    "any_label": "the labels of any object",
    "mean_sf": "the mean selection frequency of its first label",
}


def _b2(of: _Numbers) -> str | None:
    rates = of["/rates"]
    said = []
    if rates["wrong"] is not None:
        said.append(f"wrong on {of.share('/rates/wrong')} of images")
    if rates["secondary"] is not None:
        secondary, missing = (
            of.share(f"/rates/{kind}/settled") for kind in ("secondary", "missing")
        )
        said.append(
            f"not the main thing on {secondary}, and not all that there is on {missing} of those"
            " settled"
        )
    return f"The dataset label is {'; '.join(said)}." if said else None


def _b3(of: _Numbers) -> str | None:
    tested = [row for row in of["/differences"] if row["p_holm"] is not None]
    if not tested:
        return _without(of, "Whether classifiers differ by more than chance explains")
    clear = sum(row["p_holm"] < 0.05 for row in tested)
    return (
        f"Of {_count(len(tested), 'difference', 'differences')} between classifiers, over all"
        f" metrics, {clear or 'none'} {'are' if clear > 1 else 'is'} beyond chance (Holm, 5 %)."
    )


def _without(of: _Numbers, what: str) -> str | None:
    """Why something is not known, by the first reason for a missing interval."""
    reason = next(iter(of.without_interval.values()), None)
    return f"{what} is not known: {reason}." if reason else None


def _b4(of: _Numbers) -> str | None:
    models = of["/models"]
    known = {name: row for name, row in sorted(models.items()) if row["effective_n"] is not None}
    if not known:
        return _without(of, "What the others' predictions would add")
    best = max(known, key=lambda name: known[name]["effective_n"] / known[name]["n"])
    row = known[best]
    if row["effective_n"] <= row["n"]:
        return "What the other classifiers say makes no classifier's accuracy surer."
    return (
        f"The other classifiers help most with {best}: {row['n']:,} answered images tell as much as"
        f" {row['effective_n']:,.0f} would alone; its accuracy is"
        f" {of.share(to('models', best, 'assisted'))}, without help"
        f" {of.share(to('models', best, 'human'))}."
    )


def _b5(of: _Numbers) -> str | None:
    if of["/mean_entropy"] is None:
        return None
    text = f"People's votes for the main label have a mean entropy of {of.number('/mean_entropy')}"
    errors = {name: row["ece"] for name, row in sorted(of["/models"].items())}
    known = {name: ece for name, ece in errors.items() if ece is not None}
    if not known:
        return f"{text} nats."
    best = min(known, key=known.__getitem__)
    return (
        f"{text} nats; {best}'s confidence is closest to their shares: {100 * known[best]:.1f}"
        " points away on average."
    )


def _b6(of: _Numbers) -> str | None:
    rows = [row for row in of["/headlines"].values() if row["all"] is not None]
    if not rows:
        return _without(of, "What more judgments would buy")
    workers = sum(row["new_workers"] is not None for row in rows)
    images = sum(row["images"] is not None for row in rows)
    return (
        f"More images alone could halve {images or 'none'} of"
        f" {_count(len(rows), 'headline interval', 'headline intervals')}, more workers alone"
        f" {workers or 'none'}."
    )


_SENTENCES: dict[str, Callable[[_Numbers], str | None]] = {
    "R1": _r1,
    "R2": _r2,
    "R3": _r3,
    "R4": _r4,
    "R5": _r5,
    "R6": _r6,
    "R7": _r7,
    "R8": _r8,
    "R9": _r9,
    "R10": _r10,
    "R11": _r11,
    "R12": _r12,
    "R13": _r13,
    "R14": _r14,
    "R15": _r15,
    "R16": _r16,
    "R17": _r17,
    "B1": _b1,
    "B2": _b2,
    "B3": _b3,
    "B4": _b4,
    "B5": _b5,
    "B6": _b6,
}
