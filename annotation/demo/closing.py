"""The demo's closing tables: its report in numbers, beside the truth of its constructed images."""

from rich.table import Table

from annotation.report.wording import Numbers, Plain, to

WIDTH = 80
SPLITS = (("single", "1 object"), ("multi", ">1 object"))


def study_table(report: Plain, true_share: tuple[int, int]) -> Table:
    """What the study found. true_share: settled images that truly show several objects, and all."""
    table = Table(title="What the study found", title_justify="left", width=WIDTH)
    table.add_column("number", overflow="fold")
    table.add_column("value (95 % interval)", justify="right")
    table.add_column("n", overflow="fold")
    for row in _rows(report, *true_share):
        table.add_row(*row)
    return table


def _rows(report: Plain, several: int, settled: int) -> list[tuple[str, str, str]]:
    study, figures = report["study"], report["figures"]
    asked, groups = study["answers"], study["answers"]["groups"]
    pairs, images = asked["contains"]["pairs"], study["images"]
    objects, main, rivals = (Numbers(figures[name]) for name in ("R1", "R5", "R7"))
    rival, multi = "/thresholds/1.0", objects["multi_object"]
    compared = sum(rivals[f"{rival}/histogram"].values())
    return [
        ("images", str(images), "of the dataset"),
        ("candidates per image", f"{pairs / images:.1f}", f"{pairs:,} pairs"),
        ("workers", str(asked["workers"]), "with used answers"),
        ("CONTAINS: judgments used", f"{asked['contains']['judgments']:,}", ""),
        ("CLASSIFY: responses used", f"{asked['classify']['responses']:,}", ""),
        (
            "another label selected as often",
            rivals.share(f"{rival}/fraction_with_another"),
            f"{rivals[f'{rival}/images_with_another']} of {compared} images",
        ),
        (
            "asked again, by group",
            "",
            ", ".join(f"{group['answered']} {name}" for name, group in groups.items()),
        ),
        (
            "more than one object",
            objects.share("/fraction_multi/of_settled"),
            f"{multi} of {settled} images",
        ),
        (
            "  the same by the truth",
            f"{100 * several / settled:.1f} %" if settled else "-",
            f"{several} of {settled} images",
        ),
        (
            "main object is another one",
            main.share("/disagreements_of_multi"),
            f"{main['disagreements']} of {multi} images",
        ),
    ]


def classifiers_table(report: Plain) -> Table:
    """Each classifier's accuracy by the dataset label, and by the labels of any object."""
    table = Table(title="The classifiers, measured again", title_justify="left", width=WIDTH)
    table.add_column("classifier", overflow="fold")
    readings: list[tuple[Numbers, tuple[str, ...]]] = []
    for split, objects in SPLITS:
        n = report["study"]["populations"][split]
        for name, figure, group in (("top-1", "R3", "models"), ("any label", "R4", "any_label")):
            table.add_column(f"{name},\n{objects}\nn={n}", justify="right")
            readings.append((Numbers(report["figures"][figure]), (group, split)))
    for classifier in report["study"]["classifiers"]:
        cells = [_in_two_lines(of, to(group, classifier, split)) for of, (group, split) in readings]
        table.add_row(classifier, *cells)
    return table


def _in_two_lines(of: Numbers, pointer: str) -> str:
    if of[pointer] is None:
        return "-"
    ends = [f"{100 * end:.0f}" for end in of.intervals.get(pointer, ())]
    return f"{100 * of[pointer]:.1f} %\n{' to '.join(ends)}"
