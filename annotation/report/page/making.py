"""Makes the self-contained page: one file that needs no other, and no network."""

import base64
import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string

from annotation.report.page.drawings import size_of
from annotation.report.page.galleries import galleries_of
from annotation.report.page.named import named, unambiguous
from annotation.report.page.pictures import Embedding, no_page, pictures_of
from annotation.report.page.sections import ChartImage, Page, page_of, tight
from annotation.report.wording import Plain
from imagesets.models import Dataset, Image
from tasks.models import Campaign

if TYPE_CHECKING:  # it takes a second to import
    from annotation.report.charts import Chart

STYLES = ("css/tokens.css", "css/report.css", "css/report-alone.css")
MOST_CHARTS = 1_600_000  # bytes of text; beyond it charts have one scheme


def for_readers(report: Plain, dataset: Dataset) -> dict[str, Any]:
    """The report with the names of the dataset's labels in place of their keys."""
    return named(report, label_names(dataset))


def label_names(dataset: Dataset) -> dict[str, str]:
    """By key: each label's first name, told apart where several share it."""
    rows = dataset.labels.values_list("key", "names")
    return unambiguous({key: names[0] if names else key for key, names in rows})


def alone(
    report: Plain,
    dataset: Dataset,
    contains: Campaign | None,
    classify: Campaign | None,
    charts: Sequence["Chart"] = (),
) -> bytes:
    """The page as one HTML file."""
    by_figure = defaultdict(list)
    for chart, image in zip(charts, embedded(charts), strict=True):
        by_figure[chart.figure].append(image)
    page = contents(report, dataset, contains, classify, by_figure, Embedding())
    text = render_to_string("report/index.html", {"page": page, "style": style()})
    return text.encode()


def contents(
    report: Plain,
    dataset: Dataset,
    contains: Campaign | None,
    classify: Campaign | None,
    charts: dict[str, list[ChartImage]],
    source_of: Callable[[Image], str],
    address_of: Callable[[Image], str] = no_page,
) -> Page:
    """What the page says. source_of: where the page finds a picture; address_of: where an image's
    own page is."""
    names = label_names(dataset)
    galleries = galleries_of(report, dataset, contains, classify, names)
    pictures = {
        name: [pictures_of(gallery, source_of, address_of) for gallery in some]
        for name, some in galleries.items()
    }
    return page_of(named(report, names), dataset.name, charts, pictures)


def embedded(charts: Sequence["Chart"]) -> list[ChartImage]:
    """Charts as data URIs in both schemes; in the light one alone where they are large."""
    images = []
    light = [_data(chart.svg()) for chart in charts]
    both = 2 * sum(map(len, light)) <= MOST_CHARTS
    for chart, source in zip(charts, light, strict=True):
        dark = _data(chart.svg(dark=True)) if both else source
        size = size_of(chart.svg())
        images.append(ChartImage(source, dark, chart.title, tight(chart.caption), *size))
    return images


def _data(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


@functools.cache
def style() -> str:
    folder = settings.STATICFILES_DIRS[0]
    return "\n".join((folder / name).read_text() for name in STYLES)
