"""report SLUG: the figures of a study, as JSON, as tables and as charts."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.table import Table

from annotation.management.study_command import aggregate_all, study_named, write_files
from annotation.report.charts import charts_of, files_of_charts
from annotation.report.document import files_of, report_of, text_of
from annotation.report.kept import keep
from annotation.report.loading import load_study
from annotation.report.page.drawings import draw_all, version_of
from annotation.report.page.making import alone, for_readers
from annotation.report.scoring.people import scoring_files
from imagesets.management.dataset_argument import dataset_named
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
        with progress_bar("aggregating and computing", quiet=options["verbosity"] == 0):
            aggregate_all(campaigns)
            study = load_study(dataset, *campaigns, seed)
            report = report_of(dataset, *campaigns, seed=seed, study=study)
            text = text_of(report)
            if seed == 0:
                keep(text, campaigns)
        if out is not None:
            keys = dataset.images.values_list("key", flat=True)
            others = set(keys) - set(study.images)
            charts = charts_of(for_readers(report, dataset))
            if seed == 0:
                draw_all(version_of(text), charts)
            page = alone(report, dataset, *campaigns, charts)
            files = [
                *files_of(report),
                *files_of_charts(charts),
                *scoring_files(study, others, usual_orders(dataset)),
                ("index.html", page),
            ]
            write_files(out, files)
        table = Table("figure", "finding")
        for name, figure in report["figures"].items():
            missing = f"needs {figure['missing']}" if figure["missing"] else "says nothing yet"
            table.add_row(name, figure["finding"] or missing)
        self.stdout.write(drawn(table))
        if out is not None:
            self.stdout.write(f"{len(files)} files in {out}")
