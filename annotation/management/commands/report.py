"""report SLUG: the figures of a study, as JSON, as tables and as charts."""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.table import Table

from annotation.management.study_command import aggregate_all, study_named, write_files
from annotation.report.arrays import Study
from annotation.report.charts import Report, charts_of_figure, files_of_charts
from annotation.report.charts.artist import Artist
from annotation.report.document import files_of, report_of, text_of
from annotation.report.kept import keep
from annotation.report.loading import load_study
from annotation.report.page.drawings import draw_all, version_of
from annotation.report.page.making import alone, label_names
from annotation.report.page.named import named
from annotation.report.scoring.people import scoring_files
from annotation.report.wording import Plain
from imagesets.management.dataset_argument import dataset_named
from imagesets.models import Dataset
from imagesets.terminal import drawn, progress_bar
from models_inference.predictions.class_orders import usual_orders
from tasks.management.campaign_command import campaign_named


class Command(BaseCommand):
    help = (
        "Compute the report of a study: each figure with its intervals. Prints what was found;"
        " --out writes report.json, a CSV and the charts of each figure, the page index.html, and"
        " score.py, which scores other classifiers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="The dataset's slug.")
        parser.add_argument(
            "--campaign",
            metavar="C",
            help="One of the study's campaigns. Default: the newest CONTAINS campaign that is"
            " finished or closed.",
        )
        parser.add_argument("--out", metavar="DIR", type=Path, help="A folder; it is made.")
        parser.add_argument(
            "--seed", type=int, default=0, help="Of the splits of workers into halves (0)."
        )

    def handle(
        self, *, slug: str, campaign: str | None, out: Path | None, seed: int, **options: Any
    ) -> None:
        dataset = dataset_named(slug)
        campaigns = study_named(dataset, campaign_named(campaign) if campaign else None)
        quiet = options["verbosity"] == 0
        with progress_bar("aggregating and computing", quiet=quiet), ExitStack() as beside:
            artist = None if out is None else beside.enter_context(Artist())
            aggregate_all(campaigns)
            study = load_study(dataset, *campaigns, seed)
            see = None if artist is None else _drawing(study, dataset, artist)
            report = report_of(dataset, *campaigns, seed=seed, study=study, see=see)
            text = text_of(report)
            if seed == 0:
                keep(text, campaigns, study)
            if out is not None and artist is not None:
                keys = dataset.images.values_list("key", flat=True)
                others = set(keys) - set(study.images)
                scoring = list(scoring_files(study, others, usual_orders(dataset)))
                del study  # it is most of what the memory holds
                charts = artist.drawn()
                if seed == 0:
                    draw_all(version_of(text), charts)
                page = ("index.html", alone(report, dataset, *campaigns, charts))
                files = [*files_of(report), *files_of_charts(charts), *scoring, page]
                write_files(out, files)
        table = Table("figure", "finding")
        for name, figure in report["figures"].items():
            missing = f"needs {figure['missing']}" if figure["missing"] else "says nothing yet"
            table.add_row(name, figure["finding"] or missing)
        self.stdout.write(drawn(table))
        if out is not None:
            self.stdout.write(f"{len(files)} files in {out}")


def _drawing(study: Study, dataset: Dataset, artist: Artist) -> Callable[[str, Plain], None]:
    """Has the charts of each figure drawn that it is shown."""
    names = label_names(dataset)
    so_far = Report({"study": {"classifiers": list(study.models)}, "figures": {}})

    def draw(name: str, figure: Plain) -> None:
        so_far.add(name, named({"figures": {name: figure}}, names)["figures"][name])
        artist.draw(charts_of_figure(so_far, name))

    return draw
