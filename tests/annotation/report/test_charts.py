"""The report's charts: what they draw are the numbers of report.json, under odd names too."""

import re
import xml.etree.ElementTree as ET

from annotation.report.charts import charts_of
from annotation.report.document import figures_of
from tests.studies.made_up_studies import pictures, study_of


def report_of(images=60, *, seed=3, rename=lambda name: name, **campaigns):
    """The report of a made-up study, as far as charts read it."""
    made = pictures(seed, images)
    for picture in made:
        picture.tops = {rename(name): label for name, label in picture.tops.items()}
    study = study_of(made, **campaigns)
    return {"study": {"classifiers": list(study.models)}, "figures": figures_of(study)}


def rows_of(chart):
    """Every row of data in the drawing."""
    return [row for rows in _values(chart.spec) for row in rows]


def _values(spec):
    if isinstance(spec, dict):
        if "datasets" in spec:
            yield from spec["datasets"].values()
        for key, each in spec.items():
            if key == "values" and isinstance(each, list):
                yield each
            else:
                yield from _values(each)
    elif isinstance(spec, list):
        for each in spec:
            yield from _values(each)


def test_drawings_are_whole_and_refer_to_nothing_outside():
    odd = "a<b>&\"'\x00 \U0001f600 " + "long " * 12
    report = report_of(rename=lambda name: odd + name)
    charts = charts_of(report)[:2]
    for chart in charts:
        for svg in (chart.svg(), chart.svg(dark=True), chart.svg(with_caption=True)):
            ET.fromstring(svg)
            assert not re.search(r"href|url\(|<image|<script|<style|@import", svg)
