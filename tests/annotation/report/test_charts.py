"""The report's charts: what they draw are the numbers of report.json, under odd names too."""

import multiprocessing
import re
import xml.etree.ElementTree as ET
from collections import defaultdict

import pytest

from annotation.report.charts import Report, charts_of, charts_of_figure
from annotation.report.charts.artist import Artist
from annotation.report.charts.forms import domain_of, ticks_in
from annotation.report.charts.theme import LONGEST, looks, shortened
from annotation.report.document import figures_of
from annotation.report.findings import to
from tests.studies.made_up_studies import at, pictures, study_of


def report_of(images=60, *, seed=3, rename=str, **campaigns):
    """The report of a made-up study, as far as charts read it."""
    made = pictures(seed, images)
    for picture in made:
        picture.tops = {rename(name): label for name, label in picture.tops.items()}
    study = study_of(made, **campaigns)
    return {"study": {"classifiers": list(study.models)}, "figures": figures_of(study)}


@pytest.fixture(scope="module")
def report():
    return report_of()


def drawn_by(report):
    """The rows of data in each chart's drawing, by its name."""
    return {chart.name: list(_rows(chart.spec)) for chart in charts_of(report)}


def _rows(spec):
    if isinstance(spec, dict):
        for key, each in spec.items():
            if key == "data":
                yield from each["values"]
            else:
                yield from _rows(each)
    elif isinstance(spec, list):
        for each in spec:
            yield from _rows(each)


def test_what_is_drawn_are_the_reports_numbers(report):
    figures, drawn = report["figures"], drawn_by(report)

    def holds(chart, pointer, **fields):
        figure = figures[chart.partition("-")[0]]
        low, high = figure["intervals"][pointer]
        point = {"value": at(figure["data"], pointer), "low": low, "high": high, **fields}
        assert any(point.items() <= row.items() for row in drawn[chart]), (chart, pointer)

    for name in ("first", "second"):
        low, high = figures["R3"]["intervals"][to("models", name, "all")]
        overall = {
            "name": name,
            "x": figures["R3"]["data"]["models"][name]["all"],
            "x_low": low,
            "x_high": high,
        }
        for population in ("single", "multi"):
            holds("R3", to("models", name, population), **overall)
            holds("R4", to("any_label", name, population), **overall)
            holds("R4-readings", to("object_name", name, population), row=name)
        holds("R6", to("models", name, "given_object", "main_object"), row=name)
        holds("R10", to("models", name, "mean_sf"), **overall)
        holds("R12", to("restricted_to_offered", name, "fu"), **overall)
        model = figures["R11"]["data"]["models"][name]
        shares = [row["share"] for row in drawn["R11"] if row["row"] == name][:5]
        assert shares == [count / model["wrong"] for count in model["fifths"]]
    holds("R1", "/fraction_multi/weighted", row="of all, weighted")
    holds("R6", "/random_object")
    holds("R7", "/thresholds/1.0/cross_fitted", row="as often", shape="diamond")
    holds("R10", "/dataset_label/mean_sf")
    holds("R12", "/human_line")
    holds("R16", "/contains/alpha", row="CONTAINS: alpha")
    holds("R17", "/difference_offered")
    columns = {row["x"]: row["count"] for row in drawn["R1"] if "count" in row}
    assert columns == figures["R1"]["data"]["histogram_settled"]
    circles = {f"{row['x']},{row['y']}": row["n"] for row in drawn["R8"] if "n" in row}
    assert (
        circles.items()
        <= (
            figures["R8"]["data"]["by_num_objects"] | figures["R8"]["data"]["by_mean_selected"]
        ).items()
    )
    for place in range(len(figures["B3"]["data"]["differences"])):
        holds("B3", f"/differences/{place}/difference")
    factors = figures["B6"]["data"]["headlines"]
    halved = [row for row in drawn["B6-classifiers"] if row["column"] == "R10: selection"]
    assert {(row["row"], row["value"]) for row in halved} == {
        (name, factors[f"R10/models/{name}/mean_sf"][way])
        for way in ("images", "new_workers", "same_workers")
        for name in ("first", "second")
    }
    cells = {(row["row"], row["column"]): row["value"] for row in drawn["R14-people"]}
    names, counts = figures["R14"]["data"]["superclasses"], figures["R14"]["data"]["human"]
    assert cells == {
        (names[a], names[b]): count
        for a, row in enumerate(counts)
        for b, count in enumerate(row)
        if count
    }


def test_a_classifier_has_one_mark_in_all_charts(report):
    marks = defaultdict(set)
    for rows in drawn_by(report).values():
        for row in rows:
            if (name := row.get("name", row.get("row"))) in ("first", "second") and "shape" in row:
                marks[name].add((row["fill"], row["shape"]))
    filled = {
        name: {mark for mark in some if mark[0] != "transparent"} for name, some in marks.items()
    }
    assert len(filled["first"]) == len(filled["second"]) == 1
    colours, shapes = zip(*filled["first"] | filled["second"], strict=True)
    assert len(set(colours)) == len(set(shapes)) == 2
    for name, some in marks.items():
        assert {shape for _, shape in some} == {shape for _, shape in filled[name]}


def test_many_classifiers_have_a_matrix_for_each_measure():
    made = pictures(3, 40)
    for picture in made:
        tops = list(picture.tops.values())
        picture.tops = {f"m{number}": tops[number % len(tops)] for number in range(7)}
    study = study_of(made)
    report = {"study": {"classifiers": list(study.models)}, "figures": figures_of(study)}
    drawn = drawn_by(report)
    known = [row for row in report["figures"]["B3"]["data"]["differences"] if row["difference"]]
    for row in known:
        ahead, behind = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
        (cell,) = [
            cell
            for cell in drawn[f"B3-{row['metric']}"]
            if (cell["row"], cell["column"]) == (ahead, behind) and "depth" in cell
        ][:1]
        assert cell["value"] == row["difference"]
    assert len({row["metric"] for row in known}) > 2


@pytest.mark.parametrize(
    ("images", "campaigns"), [(1, {}), (20, {"contains": False}), (20, {"classify": False})]
)
def test_what_is_missing_or_empty_has_no_chart(images, campaigns):
    report = report_of(images, seed=5, **campaigns)
    charts = charts_of(report)
    assert charts
    for chart in charts:
        assert report["figures"][chart.figure]["data"] is not None
        assert chart.title
        assert not re.search(r"nan|None|-0 %", chart.title + chart.caption)
        assert list(_rows(chart.spec))


def test_a_matrix_says_how_many_images_it_counts(report):
    captions = {chart.name: chart.caption for chart in charts_of(report)}
    sizes = report["figures"]["R1"]["n"]
    assert f"(n: settled {sizes['settled']})" in captions["R14-people"]
    assert f"(n: all {sizes['all']})" in captions["R14-classifier"]
    assert f"(n: with several {sizes['multi']})" in captions["R14-beside"]


def test_a_report_without_classifiers_has_charts_of_its_images():
    made = pictures(3, 40)
    for picture in made:
        picture.tops = {}
    report = {"study": {"classifiers": []}, "figures": figures_of(study_of(made))}
    assert {"R1", "R5", "R7", "R10", "R16"} - {chart.figure for chart in charts_of(report)} == {
        "R10"
    }


def test_drawings_are_whole_and_refer_to_nothing_outside():
    odd = "a<b>&\"'\x00 0.123456 \U0001f600 " + "long " * 12
    chart = next(each for each in charts_of(report_of(rename=odd.__add__)) if each.figure == "R10")
    light, dark, captioned = chart.svg(), chart.svg(dark=True), chart.svg(with_caption=True)
    for svg in (light, dark, captioned):
        text = "".join(ET.fromstring(svg).itertext())
        assert "a<b>&\"'\ufffd" in text
        assert not re.search(r"(href|src)=|url\(|<(image|script|style)", svg)
    assert "#14171c" in light
    assert "#14171c" not in dark
    assert "n = 60" in captioned
    assert chart.png().startswith(b"\x89PNG")


def test_a_second_process_draws_the_same_and_is_not_missed_when_it_dies(report):
    names = ("R3", "R16")
    alone = [chart for chart in charts_of(report) if chart.figure in names]
    read = Report(report)
    with Artist() as artist:
        for name in names:
            artist.draw(charts_of_figure(read, name))
        drawn = artist.drawn()
        assert all({"raw_svg", "raw_png"} <= vars(chart).keys() for chart in drawn)
        assert [(each.name, each.svg(), each.png()) for each in drawn] == [
            (each.name, each.svg(), each.png()) for each in alone
        ]
    with Artist() as artist:
        for process in multiprocessing.active_children():
            process.kill()
        artist.draw(charts_of_figure(read, "R3"))
        (chart,) = artist.drawn()
        assert chart.svg() == alone[0].svg()


def test_ten_classifiers_differ_in_shape_for_grey_print():
    assert len({look.shape for look in looks([str(n) for n in range(10)]).values()}) == 10


def test_long_names_stay_apart():
    names = ["vit_base_patch16_clip_224.openai_ft_in12k_in1k"]
    names += [names[0].replace("openai", "laion2b"), "a" * LONGEST, "b"]
    short = shortened(names)
    assert "openai" in short[0]
    assert "laion2b" in short[1]
    assert short[2:] == names[2:]
    assert max(map(len, short)) <= LONGEST


@pytest.mark.parametrize(
    ("domain", "most", "ticks"),
    [
        ([0.2, 0.85], 3, [0.25, 0.5, 0.75]),
        ([-0.06, 0.11], 4, [-0.05, 0, 0.05, 0.1]),
        ([0.5, 10.5], 3, [5, 10]),
    ],
)
def test_ticks_are_round(domain, most, ticks):
    assert ticks_in(domain, most) == ticks


@pytest.mark.parametrize("values", [[1 / 6, 1 / 6 - 3e-17], [1.0], []])
def test_an_axis_has_room_for_values_that_are_all_but_equal(values):
    low, high = domain_of(values, unit=True)
    assert high - low > 0.05
    assert ticks_in([low, high], 5)
