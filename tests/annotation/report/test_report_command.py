"""report SLUG: the study that it chooses, what it prints and what it writes."""

import csv
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.management.commands import report as report_command
from annotation.report.campaigns import study_of
from annotation.report.charts import charts_of, charts_of_figure
from annotation.report.document import report_of
from annotation.report.figures import FIGURES
from tasks.campaigns.publish import close
from tasks.models import Campaign, PairResult
from tests.factories import make_campaign, make_dataset, make_user
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db


def test_it_prints_each_finding_and_writes_json_tables_and_charts(tmp_path, capsys, monkeypatch):
    some = {"R1", "R8"}  # to draw all takes long
    monkeypatch.setattr(
        report_command,
        "charts_of_figure",
        lambda report, name: charts_of_figure(report, name) if name in some else [],
    )
    contains, classify = make_answered_study(make_dataset(9, 4))
    out = tmp_path / "new" / "report"
    call_command("report", "small", "--out", str(out))
    printed = " ".join(capsys.readouterr().out.split())
    report = json.loads((out / "report.json").read_text())
    assert report["study"]["dataset"] == "small"
    assert (report["study"]["contains"], report["study"]["classify"]) == ("grid", "form")
    assert report["study"]["images"] == 9
    assert list(report["figures"]) == list(FIGURES)
    assert "first agrees most often with the dataset labels: on 100.0 %" in printed

    frequencies = PairResult.objects.filter(pair__campaign=contains, shown__gt=0).select_related(
        "pair__image"
    )
    own = [
        result.selected / result.shown
        for result in frequencies
        if result.pair.label_id == result.pair.image.dataset_label_id
    ]
    mean = report["figures"]["R10"]["data"]["dataset_label"]["mean_sf"]
    assert mean == pytest.approx(sum(own) / len(own))

    present = {name for name, figure in report["figures"].items() if figure["data"] is not None}
    assert {path.stem for path in out.glob("*.csv")} == present
    assert "R14" not in present  # there are no superclasses
    with (out / "R10.csv").open() as file:
        rows = {row["pointer"]: row for row in csv.DictReader(file)}
    assert float(rows["/dataset_label/mean_sf"]["value"]) == mean
    drawn = {chart.name for chart in charts_of(report) if chart.figure in some}
    assert "R1" in drawn  # R8 has charts where an image was followed up
    for kind in ("svg", "png"):
        assert {path.stem for path in out.glob(f"*.{kind}")} == drawn
    assert {"report.json", "index.html", "score.py", "score.npz"} < {p.name for p in out.iterdir()}
    assert f"{len(list(out.iterdir()))} files in {out}" in printed

    again = report_of(contains.dataset, *study_of(contains.dataset, classify))
    assert again["figures"] == report["figures"]


def test_a_draft_that_was_closed_takes_no_studys_place(client):
    dataset = make_dataset(4, 2)
    asked = make_campaign(dataset, slug="asked")
    close(asked, "a test")
    for kind, source in (("contains", None), ("classify", asked)):
        draft = Campaign.objects.create(
            slug=f"no-{kind}", name="No", dataset=dataset, kind=kind, source=source
        )
        close(draft, "a test")
    assert study_of(dataset) == (asked, None)
    client.force_login(make_user("ada", "researcher"))
    page = client.get("/datasets/small/")
    assert "/campaigns/asked/" in {stage.address for stage in page.context["stages"]}
    assert list(client.get("/campaigns/new/").context["sources"]) == [asked]


def test_it_speaks_of_the_newest_study_that_has_ended():
    dataset = make_dataset(4, 2)
    with pytest.raises(CommandError, match="no CONTAINS campaign that is finished or closed"):
        call_command("report", "small")
    earlier = make_campaign(dataset, slug="earlier")
    close(earlier, "a test")
    make_campaign(dataset, slug="open")
    assert study_of(dataset) == (earlier, None)
    draft = Campaign.objects.create(
        slug="draft", name="Draft", dataset=dataset, kind="classify", source=earlier
    )
    assert study_of(dataset) == (earlier, None)
    assert study_of(dataset, draft) == (earlier, draft)


def test_wrong_names_are_told_in_a_line(tmp_path):
    make_dataset(4, 2)
    other = make_campaign(make_dataset(4, 2, slug="other"), slug="elsewhere")
    with pytest.raises(CommandError, match="There is no dataset smal"):
        call_command("report", "smal")
    with pytest.raises(CommandError, match="elsewhere is not of dataset small"):
        call_command("report", "small", "--campaign", other.slug)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CommandError, match="file"):
        call_command("report", "other", "--campaign", other.slug, "--out", str(file))
