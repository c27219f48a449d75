"""The page of a comparison: what differs clearly, then both studies' figures side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

from annotation.report.comparison_groups import Group, Row, groups_of
from annotation.report.page.making import embedded, style
from annotation.report.page.sections import TOPICS, ChartImage, tight
from annotation.report.page.tables import Table
from annotation.report.wording import Plain, count, listed, sentence

MOST_TOLD = 5  # of the clearest differences


def abstract_of(compared: Plain, names: tuple[str, str]) -> list[str]:
    """What was compared, how much differs clearly, and where."""
    return [*_studies(compared, names), *_differences(groups_of(compared), names)]


def _studies(compared: Plain, names: tuple[str, str]) -> Iterator[str]:
    for name, study in zip(names, (compared["a"], compared["b"]), strict=True):
        gone = f" ({study['withdrawn']:,} more withdrawn)" if study.get("withdrawn") else ""
        yield (
            f"{name}: {count(study['images'], 'image', 'images')} of {study['dataset']}{gone},"
            f" {count(study['workers'], 'worker', 'workers')},"
            f" {count(len(study['classifiers']), 'classifier', 'classifiers')}."
        )
    yield from _shared(compared, names)


def _differences(groups: Sequence[Group], names: tuple[str, str]) -> Iterator[str]:
    certain = [row for group in groups for row in group.rows if row.difference.low is not None]
    clear = [(row.distance, group, row) for group in groups for row in group.clear]
    if not certain:
        yield "No difference has an interval, so nothing can be said to differ."
        return
    of = f"Of {count(len(certain), 'headline figure', 'headline figures')} that both have"
    if not clear:
        yield f"{of}, none differs clearly: the 95 % interval of each difference holds zero."
        return
    yield (
        f"{of}, {len(clear)} {'differs' if len(clear) == 1 else 'differ'} clearly: the 95 %"
        " interval of the difference leaves out zero. If nothing differed, about 5 % of them would"
        " all the same."
    )
    for _, group, row in sorted(clear, key=lambda each: -each[0])[:MOST_TOLD]:
        unit = " points" if group.is_share else ""
        difference = row.difference.said(group.is_share, "")
        yield (
            f"{sentence(group.says)}{f' ({row.of})' if row.of else ''}:"
            f" {row.a.said(group.is_share)} in {names[0]}, {row.b.said(group.is_share)} in"
            f" {names[1]}; the difference is {difference}{unit}."
        )


def _shared(compared: Plain, names: tuple[str, str]) -> Iterator[str]:
    """Which classifiers both studies have, unless these are all."""
    ours, theirs = (compared[side]["classifiers"] for side in ("a", "b"))
    if set(ours) == set(theirs):
        return
    if shared := [name for name in ours if name in theirs]:
        left_out = len(set(ours) ^ set(theirs))
        yield (
            f"Compared are the classifiers of both, {listed(shared)};"
            f" {count(left_out, 'other is', 'others are')} in one study only."
        )
    else:
        without = [name for name, some in zip(names, (ours, theirs), strict=True) if not some]
        why = f"{without[0]} has none" if without else "none is in both"
        yield f"No classifier is compared: {why}. What people say is."


@dataclass(frozen=True)
class Section:
    """A group on the page."""

    name: str
    figure: str
    topic: str
    finding: str
    charts: Sequence[ChartImage]
    table: Table


@dataclass(frozen=True)
class Comparison:
    """Everything that the page says."""

    names: tuple[str, str]
    software: str
    abstract: Sequence[str]
    sections: Sequence[Section]


def contents(
    compared: Plain,
    names: tuple[str, str],
    charts: Mapping[str, ChartImage],
    *,
    differences: bool = True,
) -> Comparison:
    """What the page says. names: of the two studies. charts: by name; some may lack.

    differences: whether they are known yet.
    """
    groups = groups_of(compared)
    head = ["", *names, "difference"]
    columns = len(head) if differences else len(head) - 1
    sections = [
        Section(
            name := f"{group.figure}-{group.name}",
            group.figure,
            TOPICS[group.figure],
            tight(group.title),
            [charts[name]] if name in charts else [],
            Table("", head[:columns], [_cells(group, row)[:columns] for row in group.rows]),
        )
        for group in groups
    ]
    said = [*_studies(compared, names), *(_differences(groups, names) if differences else ())]
    return Comparison(names, compared["software"], [tight(text) for text in said], sections)


def page_of(compared: Plain, names: tuple[str, str]) -> bytes:
    """The comparison as one HTML file that needs no other. names: of the two studies."""
    from annotation.report.charts.differences import charts_of_differences

    drawn = list(charts_of_differences(compared, names))
    images = dict(zip((chart.name for chart in drawn), embedded(drawn), strict=True))
    context = {"page": contents(compared, names, images), "style": style()}
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
