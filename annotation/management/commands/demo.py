"""demo: runs a whole study on real photographs, then serves the site to look at it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.urls import reverse
from rich.console import Console
from rich.table import Table

from annotation.demo.study import Study, run_demo
from annotation.report.numbers import Share
from annotation.report.study import Headlines
from imagesets.pictures.demo_photos import SLUG


class Command(BaseCommand):
    help = (
        "Run the demo's study end to end: photographs, classifiers, CONTAINS, CLASSIFY, objects."
        " Then serve the site. A second run reuses what is there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="end after the numbers")
        parser.add_argument("--seed", type=int, default=0, help="of collages and workers (0)")
        parser.add_argument(
            "--crowd",
            choices=["local", "mturk"],
            default="local",
            help="who answers; mturk: through its rehearsal (local)",
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="where the site is served (8000)"
        )

    def handle(self, *, no_serve: bool, seed: int, port: int, crowd: str, **options: Any) -> None:
        console = Console(stderr=True)
        study = run_demo(console, seed, crowd)
        print_study(study)
        print(f"The report, to open in a browser:\n  {study.page}")
        if not no_serve:
            address = f"http://127.0.0.1:{port}{reverse('report', args=[SLUG])}"
            console.print(
                f"The report on the site: {address}?campaign={study.contains.slug}",
                highlight=False,
                soft_wrap=True,
            )
            console.print(
                f"Log in at http://127.0.0.1:{port}/ as {study.username}"
                f" with the password {study.password}",
                highlight=False,
                soft_wrap=True,
            )
            call_command("up", port=port)


def print_study(study: Study) -> None:
    """Print the closing tables, within 80 columns, and the path of each file."""
    console = Console(width=80, highlight=False, soft_wrap=False)
    table = Table(title="What the study found", title_justify="left", width=80)
    table.add_column("number", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("n", overflow="fold")
    for row in _rows(study.numbers):
        table.add_row(*row)
    console.print(table)
    accuracies = Table(title="The classifiers, measured again", title_justify="left", width=80)
    accuracies.add_column("classifier")
    for split, objects in (("single", "1"), ("multi", ">1")):
        n = study.numbers.accuracies[0].top1[split].n if study.numbers.accuracies else 0
        accuracies.add_column(f"top-1,\n{objects} object\nn={n}", justify="right")
        accuracies.add_column(f"any label,\n{objects} object\nn={n}", justify="right")
    for accuracy in study.numbers.accuracies:
        accuracies.add_row(
            accuracy.classifier,
            *(
                str(by_split[split])
                for split in ("single", "multi")
                for by_split in (accuracy.top1, accuracy.multi_label)
            ),
        )
    console.print(accuracies)
    print("Files:")
    for path in study.files:
        print(f"  {path}")


def _rows(numbers: Headlines) -> list[tuple[str, str, str]]:
    def share(of: Share, what: str) -> tuple[str, str]:
        return str(of), f"{of.count} of {of.n} {what}"

    rows = [
        ("images", str(numbers.images), "of the dataset"),
        ("candidates per image", f"{numbers.candidates_per_image:.1f}", f"{numbers.pairs} pairs"),
        ("workers", str(numbers.workers), "with used answers"),
    ]
    for kind, name in (("contains", "CONTAINS"), ("classify", "CLASSIFY")):
        rows.append((f"{name}: HITs", str(numbers.hits[kind]), ""))
        rows.append((f"{name}: judgments used", str(numbers.judgments[kind]), ""))
    rows.append(("another label as often as the dataset's", *share(numbers.rivalled, "images")))
    groups = ", ".join(f"{n} {group}" for group, n in numbers.groups.items())
    rows.append(("groups after CONTAINS", "", groups))
    rows.append(("images of more than one object", *share(numbers.multi_object, "images")))
    if numbers.multi_object_truth is not None:
        rows.append(("  the same by the truth", *share(numbers.multi_object_truth, "images")))
    rows.append(
        ("main object is not the dataset label's", *share(numbers.disagreements, "multi-object"))
    )
    return rows
