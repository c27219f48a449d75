"""A text that a spreadsheet would compute is made harmless on request; programs get exact CSV."""

import csv
import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.factories import (
    client_of,
    make_campaign,
    make_dataset,
    make_workers,
    random_answers,
    work_through,
)

pytestmark = pytest.mark.django_db(transaction=True)
BAD = ["=1+1.png", "+a.png", "-b.png", "@c.png", "\td.png", "\re.png", "f=.png", "'=g.png"]


@pytest.fixture
def campaign(tmp_path):
    dataset = make_dataset(BAD, ["=label", "plain"], "odd")
    campaign = make_campaign(dataset, slug="odd-classify", kind="classify")
    work_through(campaign, make_workers(2), random_answers())
    return campaign


def table(data: bytes) -> list[dict]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_no_cell_of_a_file_for_spreadsheets_begins_as_a_formula(campaign, tmp_path):
    api = client_of("boss", "owner", spend=True)
    address = f"/api/campaigns/{campaign.slug}/export/judgments.csv"
    exact = api.get(address)
    reply = api.get(address + "?for=spreadsheets")
    name = "odd-classify-judgments-spreadsheet.csv"
    assert f'"{name}"' in reply["Content-Disposition"]
    plain, changed = (b"".join(r.streaming_content) for r in (exact, reply))
    out = tmp_path / name
    call_command("export", campaign.slug, "judgments", "--for-spreadsheets", "--out", str(out))
    assert out.read_bytes() == changed
    texts = ("image", "main", "campaign", "worker", "hit", "assignment")
    for before, after in zip(table(plain), table(changed), strict=True):
        for column, value in before.items():
            bad = column in texts and value[:1] in tuple("=+-@\t\r")
            assert after[column] == ("'" if value and bad else "") + value
    assert {row["image"] for row in table(plain)} == set(BAD)
    assert not any(row["image"][:1] in tuple("=+-@\t\r") for row in table(changed))


def test_no_program_takes_such_a_file_for_the_exact_one(campaign, tmp_path):
    def export(*options):
        call_command("export", campaign.slug, "judgments", "--for-spreadsheets", *options)

    for options in ((), ("--out", str(tmp_path / "x.csv")), ("--out", "/dev/stdout")):
        with pytest.raises(CommandError, match=r"-spreadsheet\.csv"):
            export(*options)
    link = tmp_path / "link-spreadsheet.csv"
    link.symlink_to(tmp_path / "exact.csv")
    with pytest.raises(CommandError, match=r"-spreadsheet\.csv"):
        export("--out", str(link))
    good = tmp_path / "good-spreadsheet.csv"
    with pytest.raises(CommandError, match="not jsonl"):
        export("--out", str(good), "--format", "jsonl")
    assert not any(path.exists() for path in tmp_path.glob("*.csv"))
    export("--out", str(good))
    for name in ("good-spreadsheet.csv", "good-spreadsheet (1).csv", "GOOD-SPREADSHEET.CSV"):
        (tmp_path / name).write_bytes(good.read_bytes())
        with pytest.raises(CommandError, match="exported for spreadsheets"):
            call_command("import_responses", campaign.slug, str(tmp_path / name))
    api = client_of("boss", "owner", spend=True)
    start = f"/api/campaigns/{campaign.slug}/export/judgments"
    assert api.get(start + ".jsonl?for=spreadsheets").status_code == 400
    assert api.get(start + ".csv?for=people").status_code == 400


def test_the_campaigns_page_offers_files_for_spreadsheets_first(campaign, admin_client):
    page = admin_client.get(f"/admin/tasks/campaign/{campaign.pk}/change/").content.decode()
    exact = f"/api/campaigns/{campaign.slug}/export/judgments.csv"
    assert page.index(f"{exact}?for=spreadsheets") < page.index(f'{exact}"')
