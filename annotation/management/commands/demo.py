"""demo: runs a whole study on real photographs, then serves the site to look at it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.urls import reverse
from rich.console import Console

from annotation.demo.closing import WIDTH, classifiers_table, study_table
from annotation.demo.study import Study, run_demo
from annotation.serving.web import port_number
from imagesets.pictures.demo_photos import SLUG
from tasks.simulation.rehearsal import REHEARSED


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
            choices=["local", *REHEARSED],
            default="local",
            help="who answers; all but local: through the rehearsal (local)",
        )
        parser.add_argument(
            "--port", type=port_number(), default=8000, help="where the site is served (8000)"
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
    console = Console(width=WIDTH, highlight=False, soft_wrap=False)
    console.print(study_table(study.report, study.true_share))
    console.print(classifiers_table(study.report))
    print("Files:")
    for path in study.files:
        print(f"  {path}")
