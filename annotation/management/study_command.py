"""What commands on studies share: they name one, bring its results up to date, write files."""

from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import CommandError

from annotation.report.campaigns import Campaigns, NoStudy, study_of
from annotation.report.wording import sentence
from imagesets.files import write_whole
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.models.refused import Refused
from tasks.results import aggregate


def study_named(dataset: Dataset, campaign: Campaign | None = None) -> Campaigns:
    """The campaigns of the study (study_of). Raises CommandError."""
    try:
        return study_of(dataset, campaign)
    except NoStudy as error:
        raise CommandError(f"{sentence(str(error))}.") from None


def aggregate_all(*studies: Campaigns) -> None:
    """Aggregate each campaign of the studies once. Raises CommandError."""
    try:
        for campaign in dict.fromkeys(each for campaigns in studies for each in campaigns if each):
            aggregate(campaign)
    except Refused as error:
        raise CommandError(str(error)) from None


def write_files(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write (name, content) to a folder, which is made. Raises CommandError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files:
            write_whole(folder / name, content)
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror or error}.") from None
