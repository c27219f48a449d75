"""The page of a comparison: what differs clearly, then both studies' figures side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

from annotation.report.charts.differences import charts_of_differences
from annotation.report.comparison_groups import Group, Row, groups_of
from annotation.report.page.making import embedded, style
from annotation.report.page.sections import TOPICS, ChartImage, tight
from annotation.report.page.tables import Table
from annotation.report.wording import Plain, count, sentence

MOST_TOLD = 5  # of the clearest differences


def abstract_of(compared: Plain, groups: Sequence[Group], names: tuple[str, str]) -> Iterator[str]:
    """What was compared, how much differs clearly, and where."""
    for name, study in zip(names, (compared["a"], compared["b"]), strict=True):
        yield (
            f"{name}: {count(study['images'], 'image', 'images')} of {study['dataset']},"
            f" {count(study['workers'], 'worker', 'workers')},"
            f" {count(len(study['classifiers']), 'classifier', 'classifiers')}."
        )
    certain = [row for group in groups for row in group.rows if row.difference.low is not None]
    clear = [(row.distance, group, row) for group in groups for row in group.clear]
    if not certain:
        yield "No difference has an interval, so nothing can be said to differ."
        return
    yield (
        f"Of {count(len(certain), 'headline figure', 'headline figures')} that both have,"
        f" {len(clear)} {'differs' if len(clear) == 1 else 'differ'} clearly: the 95 % interval of"
        " the difference leaves out zero. If nothing differed, about 5 % of them would all the"
        " same."
    )
    for _, group, row in sorted(clear, key=lambda each: -each[0])[:MOST_TOLD]:
        unit = " points" if group.is_share else ""
        difference = row.difference.said(group.is_share, "")
        yield (
            f"{sentence(group.says)}{f' ({row.of})' if row.of else ''}:"
            f" {row.a.said(group.is_share)} in {names[0]}, {row.b.said(group.is_share)} in"
            f" {names[1]}; the difference is {difference}{unit}."
        )


@dataclass(frozen=True)
class Section:
    """A group on the page."""

    name: str
    figure: str
    topic: str
    finding: str
    charts: Sequence[ChartImage]
    table: Table


def page_of(compared: Plain, names: tuple[str, str]) -> bytes:
    """The comparison as one HTML file that needs no other. names: of the two studies."""
    groups = groups_of(compared)
    drawn = list(charts_of_differences(groups, names))
    images = embedded([chart for _, chart in drawn])
    by_group = {group.says: image for (group, _), image in zip(drawn, images, strict=True)}
    sections = [
        Section(
            f"{group.figure}-{group.name}",
            group.figure,
            TOPICS[group.figure],
            tight(group.title),
            [by_group[group.says]] if group.says in by_group else [],
            Table("", ["", *names, "difference"], [_cells(group, row) for row in group.rows]),
        )
        for group in groups
    ]
    context = {
        "names": names,
        "compared": compared,
        "abstract": [tight(text) for text in abstract_of(compared, groups, names)],
        "sections": sections,
        "style": style(),
    }
    return render_to_string("report/compare.html", context).encode()


def _cells(group: Group, row: Row) -> list[str]:
    return [
        row.of or group.says,
        row.a.said(group.is_share),
        row.b.said(group.is_share),
        row.difference.said(group.is_share, ""),
    ]


def names_of(compared: Plain) -> tuple[str, str]:
    """What to call the studies: by their campaigns, and their datasets where these differ."""
    studies = compared["a"], compared["b"]
    first, second = (study["contains"] or study["classify"] for study in studies)
    if studies[0]["dataset"] == studies[1]["dataset"]:
        return first, second
    return f"{studies[0]['dataset']}/{first}", f"{studies[1]['dataset']}/{second}"
