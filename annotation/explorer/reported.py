"""What the explorer's pages of labels and pairs read: a study's campaigns and its kept report."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection
from django.http import Http404, HttpRequest
from django.urls import reverse

from annotation.drawn.picture import Drawn
from annotation.report.campaigns import Campaigns, NoStudy, study_seen
from annotation.report.kept import failure_of, last_of, not_aggregated, report_row
from imagesets.models import Dataset, Image, Label
from tasks.models import Campaign, KeptReport


@dataclass(frozen=True)
class Reported:
    """A study as the report has it. `nothing`: why there is no report, and `page` where to look."""

    dataset: Dataset
    campaigns: Campaigns
    report: KeptReport | None
    slug: str  # of the campaign that the address names, or ""
    nothing: str = ""
    page: str = ""

    @property
    def contains(self) -> Campaign | None:
        return self.campaigns[0]

    @property
    def classify(self) -> Campaign | None:
        return self.campaigns[1]

    def query(self, **more: str | int) -> str:
        """The address's query: its campaign, and more."""
        pairs = ({"campaign": self.slug} if self.slug else {}) | more
        return f"?{urlencode(pairs)}" if pairs else ""


def reported(request: HttpRequest, dataset: Dataset) -> Reported:
    """The study of `?campaign=`, else the newest that has ended, as for the report."""
    slug = request.GET.get("campaign", "").replace("\0", "")
    try:
        campaigns = study_seen(request.user, dataset, slug or None)
    except NoStudy as error:
        why = f"{error}." if slug else "No campaign has ended yet, so nothing is counted yet."
        return Reported(dataset, (None, None), None, slug, why)
    report = report_row(campaigns)
    if report is not None:
        old = not report.label_results.exists()
        why = "The report was computed by an older version: its next computation adds the labels."
        return Reported(dataset, campaigns, report, slug, why if old else "")
    last = last_of(campaigns)
    log = reverse("campaign-log", args=[last.slug])
    if waiting := not_aggregated(campaigns):
        names = " and ".join(each.name for each in waiting)
        why, page = f"{names} has no results yet.", reverse("campaign-progress", args=[last.slug])
    elif failure := failure_of(campaigns):
        why, page = f"The report could not be computed: {failure.why}", log
    else:
        why, page = "The report is being computed.", log
    return Reported(dataset, campaigns, None, slug, why, page)


def label_named(dataset: Dataset, key: str) -> Label:
    """The label of that key. Raises Http404."""
    label = None if "\0" in key else dataset.labels.filter(key=key).first()
    if label is None:
        raise Http404(f"Dataset {dataset.slug} has no label {key}.")
    return label


_FIRST = """
    SELECT l.id, i.* FROM unnest(%s::bigint[]) AS l (id)
    CROSS JOIN LATERAL (
      SELECT i.id FROM imagesets_image i
      WHERE i.dataset_label_id = l.id AND i.withdrawn_at IS NULL
      LIMIT %s) i
"""


def some_pictures(labels: Iterable[int], number: int) -> dict[int, list[Drawn]]:
    """By label's id, a few of its images; in time for these alone, however many it has."""
    by_label: dict[int, list[Drawn]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [sorted(set(labels)), number])
        rows = cursor.fetchall()
    images = Image.objects.in_bulk({image for _, image in rows})
    for label, image in sorted(rows):
        by_label.setdefault(label, []).append(Drawn.of(images[image]))
    return by_label
