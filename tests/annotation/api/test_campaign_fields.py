"""Which settings a campaign may have: one validator for the API and `create_campaign`."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.api.serializers import CampaignSerializer, one_line
from tasks import money
from tasks.models import Campaign
from tests.factories import (
    client_of,
    make_awkward_dataset,
    make_campaign,
    make_workers,
    work_through,
)

pytestmark = pytest.mark.django_db

PANEL = {"id_param": "pid", "completion_url": "https://p.example/{code}", "codes": {"done": "C1"}}
LEAST = {"name": "A study", "dataset": "tiny", "kind": "contains"}


@pytest.fixture
def dataset(tmp_path):
    return make_awkward_dataset(tmp_path / "pictures")


def errors_of(**fields) -> str:
    """The error line of a campaign with these fields; empty where it is valid."""
    campaign = CampaignSerializer(data=LEAST | fields)
    return "" if campaign.is_valid() else one_line(campaign.errors)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"colour": "red"}, "colour: Unknown field"),
        ({"panel": {}}, "panel.id_param: This field is required"),
        ({"panel": PANEL | {"pid": 1}}, "panel.pid: Unknown field"),
        ({"panel": PANEL | {"completion_url": "panel.example"}}, "completion_url: It must begin"),
        ({"panel": PANEL | {"completion_url": "https://p.example/{cod}"}}, "can only hold {id}"),
        ({"panel": PANEL | {"completion_url": "https://p.example/{session}"}}, "session_param: "),
        ({"panel": PANEL | {"session_param": "pid"}}, "panel.session_param: The id has that name"),
        ({"panel": PANEL | {"codes": {"done": ""}}}, "panel.codes.done: "),
        ({"panel": PANEL | {"codes": {"finished": "C1"}}}, "panel.codes.finished: Unknown field"),
        ({"panel": PANEL | {"id_pattern": "["}}, "panel.id_pattern: It is no regular expression"),
        ({"panel": PANEL | {"id_pattern": r"(\w+-?)+"}}, "panel.id_pattern: It repeats a part"),
        ({"panel": PANEL | {"id_pattern": r"(?:ab|a.)*c"}}, "panel.id_pattern: It repeats a part"),
        ({"panel": PANEL | {"id_pattern": "a{9999999999}"}}, "panel.id_pattern: It is no regular"),
        ({"panel": PANEL | {"id_param": "visit"}}, "panel.id_param: visit has a meaning"),
        ({"panel": PANEL | {"session_param": "lang"}}, "panel.session_param: lang has a meaning"),
        ({"panel": PANEL | {"id_pattern": "[a-z]+", "ids": ["ada", "B1"]}}, "panel.ids: B1 does"),
        ({"currency": "Dollars"}, "currency: Unknown: Dollars."),
        ({"max_share_per_worker": 1.5}, "max_share_per_worker: "),
        ({"exclude_workers_of": ["none"]}, "exclude_workers_of: There is no campaign none."),
        ({"state": "open"}, "state: Is set by the campaign itself"),
        ({"name": 5}, "name: Must be a string"),
        ({"name": "猫"}, "slug: The name makes none"),
        ({"slug": "no spaces"}, "slug: "),
        ({"dataset": "none"}, "dataset: There is no dataset none"),
        ({"dataset": ["tiny"]}, "dataset: Must be a string"),
        ({"kind": "guess"}, "kind: Unknown: guess. Known: contains, classify."),
        ({"kind": "CONTAINS"}, "Known: contains, classify. Did you mean contains?"),
        ({"crowd": "Local"}, "Did you mean local?"),
        ({"dataset": "Tinny"}, "There is no dataset Tinny. Did you mean tiny?"),
        ({"worker_per_item": 3}, "Did you mean workers_per_item?"),
        ({"candidates": {"classifiers": ["frist"]}}, "Not of dataset tiny: frist. It has: "),
        ({"crowd": "friends"}, "crowd: Unknown: friends. Known: local, panel, prolific, mturk"),
        ({"sandbox": 1}, "sandbox: Must be true or false"),
        ({"open": "all"}, "open: Unknown: all. Known: invited, anyone"),
        ({"wage": 15}, "wage: Must be a sum as a string"),
        ({"wage": "15,00"}, "wage: Must be a sum as a string"),
        ({"wage": None}, "wage: "),
        ({"reward": 0.05}, "reward: Must be a sum as a string"),
        ({"reward": "0.055"}, "reward: Must be a sum as a string"),
        ({"reward": "100000.00"}, "reward: "),
        ({"budget": "-1.00"}, "budget: Must be a sum as a string"),
        ({"budget": "0.00"}, "budget: "),
        ({"budget": "1e3"}, "budget: Must be a sum as a string"),
        ({"review_sample": -1}, "review_sample: "),
        ({"review_sample": 2**40}, "review_sample: "),
        ({"lifetime_days": 0}, "lifetime_days: "),
        ({"auto_approval_days": 31}, "auto_approval_days: "),
        ({"controls": {"share": "0.1"}}, "controls.share: Must be a number"),
        ({"controls": {"share": 0.6}}, "controls.share: "),
        ({"controls": {"min_accuracy": 2}}, "controls.min_accuracy: "),
        ({"controls": {"min_items": 0}}, "controls.min_items: "),
        ({"controls": {"chance": 1}}, "controls.chance: Unknown field"),
        ({"controls": {"campaigns": ["none"]}}, "controls.campaigns: There is no campaign none"),
        ({"controls": None}, "controls: "),
        ({"qualifications": {}}, "qualifications: "),
        ({"qualifications": [{"Comparator": "In"}]}, "QualificationTypeId: "),
        (
            {"qualifications": [{"QualificationTypeId": "x", "Comparator": "In"}]},
            "In needs IntegerValues or LocaleValues",
        ),
        ({"workers_per_item": "9"}, "workers_per_item: Must be a whole number"),
        ({"workers_per_item": True}, "workers_per_item: Must be a whole number"),
        ({"workers_per_item": 2.5}, "workers_per_item: Must be a whole number"),
        ({"workers_per_item": 0}, "workers_per_item: "),
        ({"round_size": None}, "round_size: "),
        ({"max_offered": 1}, "max_offered: "),
        ({"maybe": "yes"}, "maybe: Must be true or false"),
        ({"languages": ["en", "tlh"]}, "languages[1]: Unknown: tlh. Known: en, de."),
        ({"languages": []}, "languages: "),
        ({"title": {"tlh": "x"}}, "title: Unknown: tlh. Known: en, de."),
        ({"title": {"de": ""}}, "title.de: This field may not be blank"),
        ({"title": {"de": "x" * 129}}, "title.de: "),
        ({"title": {}}, "title: "),
        ({"title": ["x"]}, "title: Must be a string"),
        ({"consent": {"de": None}}, "consent.de: "),
        ({"languages": ["de", "de"]}, "languages: Given twice: de."),
        ({"min_relative_sf": "0.5"}, "min_relative_sf: Must be a number"),
        ({"min_relative_sf": 1.5}, "min_relative_sf: "),
        ({"min_relative_sf": float("inf")}, "min_relative_sf: "),
        ({"source": "none", "kind": "classify"}, "source: There is no campaign none"),
        ({"images": "some"}, "images: Must be"),
        ({"images": []}, "images: "),
        ({"images": ["f.png", "nowhere.png"]}, "images: Not in dataset tiny: nowhere.png"),
        ({"images": ["f.png", "f.png"]}, "images: Given twice: f.png"),
        ({"images": ["f.png", 3]}, "images[1]: Must be a string"),
        ({"images": ["\x00"]}, "images[0]: Null characters"),
        ({"images": ["\ud800"]}, "images[0]: Surrogate characters"),
        ({"images": {"per_label": 0}}, "images.per_label: "),
        ({"images": {"per_label": 2, "sead": 1}}, "images.sead: Unknown field"),
        ({"candidates": {"k": 11}}, "candidates.k: "),
        ({"candidates": {"top": 5}}, "candidates.top: Unknown field"),
        ({"candidates": {"classifiers": ["third"]}}, "candidates.classifiers: Not of dataset tiny"),
        ({"candidates": {"classifiers": ["first"], "min_models": 2}}, "candidates.min_models: "),
        ({"follow_up": {"fu": 1.5}}, "follow_up.fu: "),
        ({"follow_up": {"amb": 1}}, "follow_up.amb: Unknown field. Known: fu, mis, easy"),
        ({"follow_up": {"easy": "0.05"}}, "follow_up.easy: Must be a number"),
        ({"follow_up": None}, "follow_up: "),
    ],
)
def test_what_is_wrong_is_named(dataset, fields, error):
    assert error in errors_of(**fields)
    assert not Campaign.objects.exists()


def test_all_that_is_wrong_is_named_at_once(dataset):
    line = errors_of(colour="red", maybe=1, images=["x"], candidates={"k": 0})
    assert all(name in line for name in ("colour: ", "maybe: ", "candidates.k: "))


def test_defaults_are_the_contracts(dataset):
    campaign = CampaignSerializer(data=LEAST)
    assert campaign.is_valid(), campaign.errors
    shown = CampaignSerializer(campaign.save()).data
    del shown["public_id"], shown["progress"]
    assert shown == {
        "name": "A study",
        "slug": "a-study",
        "dataset": "tiny",
        "kind": "contains",
        "crowd": "local",
        "sandbox": True,
        "open": "invited",
        "source": None,
        "images": "all",
        "candidates": None,
        "workers_per_item": 9,
        "round_size": 3,
        "grid_size": 48,
        "max_sections": 8,
        "images_per_hit": 5,
        "maybe": False,
        "controls": {"share": 0.1, "campaigns": [], "min_accuracy": None, "min_items": 20},
        "practice": None,
        "rejection": False,
        "review_sample": None,
        "follow_up": {"fu": 1, "mis": 1, "easy": 0.05},
        "max_offered": 6,
        "min_relative_sf": 0.5,
        "min_judgments": None,
        "currency": None,
        "wage": "15.00",
        "reward": None,
        "budget": None,
        "session_minutes": 10,
        "continue_for_bonus": True,
        "max_share_per_worker": 0.02,
        "panel": None,
        "prolific": None,
        "exclude_workers_of": [],
        "only_workers_of": [],
        "assignment_minutes": 60,
        "lifetime_days": 7,
        "auto_approval_days": 3,
        "qualifications": [],
        "title": "",
        "description": "",
        "keywords": "",
        "instructions": "",
        "contact": None,
        "content_warning": None,
        "consent": None,
        "languages": ["en"],
        "state": "draft",
        "round": 0,
        "target": 0,
        "adds_to": None,
        "consent_texts": {},
    }


def test_what_is_shown_can_be_sent_again(dataset):
    fields = {
        "images": {"per_label": 2, "seed": 7},
        "candidates": {"classifiers": ["second"], "k": 3},
        "follow_up": {"fu": 1},
        "min_relative_sf": 0.25,
        "controls": {"share": 0.2, "min_accuracy": 0.7},
        "practice": {"items": 6},
        "wage": "12.5",
        "reward": "0.10",
        "budget": "1000.00",
        "qualifications": [
            {
                "QualificationTypeId": "00000000000000000071",
                "Comparator": "In",
                "LocaleValues": [{"Country": "US"}, {"Country": "GB"}],
            }
        ],
        "instructions": "*Look*",
    }
    first = CampaignSerializer(data=LEAST | fields)
    assert first.is_valid(), first.errors
    shown = dict(CampaignSerializer(first.save()).data)
    assert shown["candidates"] == {"classifiers": ["second"], "k": 3, "min_models": 1}
    assert shown["follow_up"] == {"fu": 1, "mis": 0, "easy": 0}
    assert shown["controls"] == {
        "share": 0.2,
        "campaigns": [],
        "min_accuracy": 0.7,
        "min_items": 20,
    }
    assert shown["practice"] == {"items": 6, "pass": 0.75, "tries": 2}
    assert (shown["wage"], shown["reward"], shown["budget"]) == ("12.50", "0.10", "1000.00")
    assert shown["qualifications"] == fields["qualifications"]
    for name in ("public_id", "state", "round", "target", "progress", "adds_to", "consent_texts"):
        del shown[name]
    again = CampaignSerializer(data=shown | {"slug": "again"})
    assert again.is_valid(), again.errors
    assert dict(CampaignSerializer(again.save()).data) | {"slug": "", "public_id": ""} == dict(
        CampaignSerializer(first.instance).data
    ) | {"slug": "", "public_id": ""}


def test_a_source_must_fit(dataset, tmp_path):
    contains = make_campaign(dataset, slug="grid")
    make_campaign(dataset, "classify", slug="form")
    other = make_awkward_dataset(tmp_path / "others", slug="other")
    make_campaign(other, slug="elsewhere")
    assert "source: Only a campaign of kind classify" in errors_of(source="grid")
    assert "source: Campaign form is of kind classify" in errors_of(kind="classify", source="form")
    assert "another dataset: other" in errors_of(kind="classify", source="elsewhere")
    assert errors_of(kind="classify", source=contains.slug) == ""
    assert "form settles no pairs" in errors_of(controls={"campaigns": ["form"]})
    assert errors_of(controls={"campaigns": ["grid"]}) == ""


def test_a_change_is_checked_as_a_whole(dataset):
    campaign = CampaignSerializer(data=LEAST | {"slug": "one"})
    campaign.is_valid(raise_exception=True)
    made = campaign.save()
    make_campaign(dataset, slug="two")

    def change(**fields) -> str:
        changed = CampaignSerializer(made, data=fields, partial=True)
        if not changed.is_valid():
            return one_line(changed.errors)
        changed.save()
        return ""

    assert "slug: There is a campaign two already" in change(slug="two")
    assert change(slug="one", candidates={"k": 2}) == ""
    made.refresh_from_db()
    assert made.candidates == {"classifiers": None, "k": 2, "min_models": 1}
    assert "Not in dataset" in change(images=["x"])


def test_the_command_takes_the_same(dataset, tmp_path, capsys):
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps(LEAST | {"slug": "by-file", "workers_per_item": 3}))
    call_command("create_campaign", str(file))
    assert Campaign.objects.get(slug="by-file").workers_per_item == 3
    for text, error in [
        (json.dumps(LEAST | {"slug": "x", "colour": 1}), r"colour: Unknown field"),
        (json.dumps(LEAST | {"name": "New"}), r"slug: new is the address at which campaigns are"),
        (json.dumps(LEAST | {"slug": "by-file"}), r"slug: There is a campaign by-file already"),
        ('{"name": "x",}', r"campaign.json, line 1, column \d+"),
        ('{"name": "x", "name": "y"}', r"name is given twice"),
        ('{"min_relative_sf": NaN}', r"NaN is not JSON"),
        ("[1]", r"must hold one JSON object"),
    ]:
        file.write_text(text)
        with pytest.raises(CommandError, match=error):
            call_command("create_campaign", str(file))
    with pytest.raises(CommandError, match="no such file"):
        call_command("create_campaign", str(tmp_path / "none.json"))
    assert Campaign.objects.count() == 1


def test_the_reply_says_how_far_a_campaign_is_at_the_cost_of_one(tmp_path):
    dataset = make_awkward_dataset(tmp_path / "pictures")
    campaign = make_campaign(dataset, slug="first", workers_per_item=2)
    work_through(campaign, make_workers(1))
    api = client_of("ada", "researcher")
    hits = campaign.hits.count()
    progress = api.get("/api/campaigns/first/").json()["progress"]
    assert (progress["hits"], progress["answers"], progress["wanted"]) == (hits, hits, 2 * hits)
    assert Decimal(progress["spent"]) == money.spent(campaign) > 0
    assert progress["expected_finish"].endswith("Z")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            rows = api.get("/api/campaigns/").json()["results"]
        assert rows[-1]["progress"] == progress | {
            "expected_finish": rows[-1]["progress"]["expected_finish"]
        }
        return len(seen)

    before = queries()
    make_campaign(dataset, slug="second")
    assert queries() == before
