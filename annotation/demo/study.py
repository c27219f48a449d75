"""The demo's study, step by step, from photographs to measured classifiers.

Each step first looks what an earlier run has done, so that a second run is quick and changes
nothing.
"""

import contextlib
import csv
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Q
from rich.console import Console

from annotation.demo.bill import bill_table
from annotation.report.campaigns import Campaigns
from annotation.report.document import report_of, text_of
from annotation.report.kept import keep, kept_report
from annotation.report.loading import load_study
from annotation.serving.celery_worker import celery_worker
from annotation.serving.web import web_server
from imagesets.importing.import_dataset import import_dataset
from imagesets.models import Dataset
from imagesets.pictures.demo_photos import NAME, SLUG, make_photos
from imagesets.terminal import progress_bar
from models_inference.classifiers.presets import register_demo_classifiers
from models_inference.jobs import predictions_done, queue_predictions
from tasks.campaigns.publish import publish
from tasks.crowds.panel.addresses import NAME as PANEL
from tasks.crowds.prolific import CROWD as PROLIFIC
from tasks.models import Campaign, ImageResult
from tasks.models.campaign import State
from tasks.results import aggregate
from tasks.simulation.rehearsal.faults import EVERYTHING
from tasks.simulation.rehearsal.panel import panel_serving
from tasks.simulation.rehearsal.panel_people import play_panel
from tasks.simulation.rehearsal.prolific.stage import (
    ProlificStage,
    play_sessions,
    prolific_stage,
)
from tasks.simulation.rehearsal.stage import Stage, play, stage
from tasks.simulation.simulate import simulate

WHO = "the demo"
WORKERS = 12
R, ROUND_SIZE = 9, 3
LOGIN = "researcher"
BUDGET = Decimal(1000)  # US dollars, none of them real

# The two that stay open ask the same questions; nobody has worked on them yet. Anyone may come.
CONTAINS = {"slug": "photos-contains", "name": "Photos: which contain X?", "kind": "contains"}
CLASSIFY = {"slug": "photos-classify", "name": "Photos: which objects?", "kind": "classify"}
OPEN_CONTAINS = {"slug": "try-contains", "name": "Try it: which contain X?", "kind": "contains"}
OPEN_CLASSIFY = {"slug": "try-classify", "name": "Try it: which objects?", "kind": "classify"}
TABLES = {
    "contains": ("judgments", "selection_frequencies"),
    "classify": ("judgments", "annotations"),
}


@dataclass
class Study:
    """The demo's campaigns, their report and its page, the files written, the login.

    true_share: settled images that truly show several objects, and all settled ones.
    """

    contains: Campaign
    classify: Campaign
    report: dict[str, Any]
    true_share: tuple[int, int]
    files: list[Path]
    page: Path
    username: str
    password: str


class Steps:
    """Shows a progress bar for each step, then prints how long it took."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator["Bar"]:
        started = time.monotonic()
        with progress_bar(title, self.console, transient=True) as progress:
            bar = Bar(progress, self.console)
            yield bar
        seconds = time.monotonic() - started
        note = f"  {bar.note}" if bar.note else ""
        self.console.print(f"{title:<44} {seconds:6.1f} s{note}", highlight=False, soft_wrap=True)


class Bar:
    """A step's progress: call it with (done, total)."""

    def __init__(self, progress: Callable[[int, int | None], None], console: Console) -> None:
        self.progress, self.console = progress, console
        self.note = ""

    def __call__(self, done: int, total: int | None) -> None:
        self.progress(done, total)


def run_demo(console: Console, seed: int = 0, crowd: str = "local") -> Study:
    """Run the missing steps of the demo's study; raises if a step fails.

    With another crowd its two campaigns go through that crowd's rehearsal (with faults, but for the
    panel's), under names of their own beside those of the local crowd.
    """
    steps = Steps(console)
    folder = settings.DATA_DIR / "demo"
    photos = folder / f"photos-{seed}"
    with steps.step("Photographs and collages") as bar:
        if not (photos / "classes.csv").exists():  # the last file that is written
            make_photos(photos, seed)
        bar.note = str(photos)
    truth = read_truth(photos / "truth.csv")
    with steps.step("Import of the dataset") as bar:
        dataset = _dataset(photos, bar)
    with steps.step("Inference by six classifiers (Celery worker)") as bar:
        _predictions(dataset, bar)
    contains = _campaign(dataset, of_crowd(CONTAINS, crowd), seed=seed)
    with steps.step("CONTAINS: simulated workers") as bar:
        _answered(contains, truth, seed, bar)
    with steps.step("Selection frequencies and groups"):
        _aggregated(contains)
    with steps.step("Two campaigns that stay open"):
        _campaign(dataset, OPEN_CONTAINS, seed=seed + 1)
        # Before the study's own follow-up: the report takes the newest.
        _campaign(dataset, OPEN_CLASSIFY, source=contains, seed=seed + 1, follow_up="all")
    classify = _campaign(dataset, of_crowd(CLASSIFY, crowd), source=contains, seed=seed)
    with steps.step("CLASSIFY: simulated workers") as bar:
        _answered(classify, truth, seed, bar)
    with steps.step("Objects and main labels"):
        _aggregated(classify)
    with steps.step("Exports"):
        files = list(_export(folder, (contains, classify)))
    with steps.step("The report, its charts and its page"):
        page = _page(folder / f"report-{contains.slug}", contains)
        report = _report(dataset, (contains, classify))
    password = _login(folder / "login")
    files = [photos / "truth.csv", *files]
    shares = _true_share(classify, truth)
    return Study(contains, classify, report, shares, files, page, LOGIN, password)


def read_truth(path: Path) -> list[dict[str, str]]:
    """Rows of image, label, main."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _true_share(classify: Campaign, truth: list[dict[str, str]]) -> tuple[int, int]:
    """How many settled images show several objects by the truth, and how many are settled."""
    objects = Counter(row["image"] for row in truth)
    answered = ImageResult.objects.filter(campaign=classify, workers__gt=0).values("image")
    settled = classify.campaign_images.filter(Q(group="easy") | Q(group="fu", image__in=answered))
    keys = settled.values_list("image__key", flat=True)
    return sum(objects[key] > 1 for key in keys), len(keys)


def _report(dataset: Dataset, campaigns: Campaigns) -> dict[str, Any]:
    """The study's report, computed unless it is kept."""
    if (report := kept_report(campaigns)) is None:
        study = load_study(dataset, *campaigns)
        keep(text_of(report_of(dataset, *campaigns, study=study)), campaigns, study)
        report = kept_report(campaigns)
    assert report is not None
    return report


def _dataset(photos: Path, bar: Bar) -> Dataset:
    import_dataset(
        SLUG,
        photos / "images",
        classes=photos / "classes.csv",
        labels=photos / "labels.csv",
        name=NAME,
        progress=lambda _, done, total: bar(done, total),
    )
    return Dataset.objects.get(slug=SLUG)


def _predictions(dataset: Dataset, bar: Bar) -> None:
    classifiers = register_demo_classifiers(dataset)
    done, total = predictions_done(dataset, classifiers)
    bar(done, total)
    if done == total:
        return
    with celery_worker():
        queue_predictions(dataset, classifiers)
        while done < total:
            time.sleep(0.2)
            done, total = predictions_done(dataset, classifiers)
            bar(done, total)


def of_crowd(fields: dict[str, Any], crowd: str) -> dict[str, Any]:
    """A campaign's settings for a crowd; unchanged for `local`."""
    if crowd == "local":
        return fields
    return fields | {
        "slug": f"{fields['slug']}-{crowd}",
        "name": f"{fields['name']} ({crowd})",
        "crowd": crowd,
        "budget": BUDGET,
    }


def _campaign(
    dataset: Dataset,
    fields: dict[str, Any],
    seed: int,
    source: Campaign | None = None,
    follow_up: str | None = None,
) -> Campaign:
    """The published campaign of that slug, made if it does not exist.

    The rehearsal itself publishes a campaign for a marketplace. If an earlier rehearsal was
    interrupted, its campaign is deleted and begun again, since its marketplace is gone.
    """
    rehearsed = fields.get("crowd", "local") != "local"
    unfinished = Campaign.objects.filter(slug=fields["slug"], state__in=[State.OPEN, State.PAUSED])
    if rehearsed and (interrupted := unfinished.first()) is not None:
        interrupted.places.all().delete()
        interrupted.delete()
    campaign, _ = Campaign.objects.get_or_create(
        slug=fields["slug"],
        defaults={
            **fields,
            "dataset": dataset,
            "source": source,
            "open": "anyone",
            "workers_per_item": R,
            "round_size": ROUND_SIZE,
            "follow_up": follow_up,
            "seed": seed + 1,
        },
    )
    if campaign.state == State.DRAFT and not rehearsed:
        publish(campaign, WHO)
    return campaign


def _answered(campaign: Campaign, truth: list[dict[str, str]], seed: int, bar: Bar) -> None:
    """Let the simulated workers finish the campaign through the site's pages."""
    if campaign.crowd != "local":
        _rehearsed(campaign, truth, seed, bar)
    elif campaign.state == State.OPEN:
        with web_server() as address:
            simulate(address, campaign, workers=WORKERS, seed=seed, truth=truth, progress=bar)
    campaign.refresh_from_db()
    if campaign.state != State.FINISHED:
        raise RuntimeError(f"campaign {campaign.slug} is {campaign.state}, not finished")
    people = campaign.assignments.values("worker").distinct().count()
    bar.note = f"{campaign.hits.count()} HITs, {campaign.round} rounds, {people} workers"


def _rehearsed(campaign: Campaign, truth: list[dict[str, str]], seed: int, bar: Bar) -> None:
    """Publish it, have it done and pay for it, through the stand-in for its marketplace."""
    if campaign.state != State.DRAFT:
        return
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        bar(done, max(done, campaign.hits.count() * R))

    if campaign.crowd == PANEL:
        with panel_serving() as panel, web_server() as address:
            bill = play_panel(panel, campaign, address, seed, truth, progress=count)
        bar.console.print(bill_table(bill, campaign))
        return
    with contextlib.ExitStack() as end:
        on: Stage | ProlificStage
        if campaign.crowd == PROLIFIC.name:
            on = end.enter_context(prolific_stage(EVERYTHING, seed))
        else:
            on = end.enter_context(stage(EVERYTHING, seed))
        end.enter_context(on.site(end.enter_context(web_server(environment=on.environment))))
        if isinstance(on, ProlificStage):
            play_sessions(on, campaign, on.crew(WORKERS + 3, seed, truth), seed, count)
        else:
            play(on, campaign, on.crew(WORKERS + 3, seed, truth), seed, count)
        bill = on.bill()
    bar.console.print(bill_table(bill, campaign))


def _aggregated(campaign: Campaign) -> None:
    if not campaign.runs.exists():
        aggregate(campaign)


def _export(folder: Path, campaigns: Iterable[Campaign]) -> Iterator[Path]:
    for campaign in campaigns:
        for table in TABLES[campaign.kind]:
            path = folder / f"{campaign.slug}-{table}.csv"
            if not path.exists():
                call_command("export", campaign.slug, table, format="csv", out=path)
            yield path


def _page(folder: Path, contains: Campaign) -> Path:
    """The report's page, made if it does not exist."""
    page = folder / "index.html"
    if not page.exists():  # the last file that is written
        with open(os.devnull, "w") as nowhere:
            call_command("report", SLUG, campaign=contains.slug, out=folder, stdout=nowhere)
    return page


def _login(path: Path) -> str:
    """The password of the demo's researcher, made once and kept in a file only its owner reads."""
    user, new = get_user_model().objects.get_or_create(
        username=LOGIN, defaults={"is_staff": True, "is_superuser": True}
    )
    if not new and path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(9)
    path.touch(mode=0o600)
    path.write_text(password + "\n")
    user.set_password(password)
    user.save()
    return password
