"""Practice is exported in a table of its own and counts in no other (rule V7)."""

import json

import pytest
from django.test import Client

from annotation.exports import Export
from annotation.exports.tables import TABLES
from tasks.models import Assignment, Place, PracticeTry
from tasks.results import aggregate
from tests.studies.practised import go_on, practise, practising
from tests.studies.visitors import answer_one, begin, door


@pytest.mark.django_db(transaction=True)  # an export reads by a connection of its own
def test_it_is_a_table_of_its_own_and_in_no_other():
    campaign = practising()
    client = Client()
    feedback = practise(campaign, client, begin(door(campaign), client), wrong=1)
    answer_one(client, go_on(client, feedback))
    aggregate(campaign)

    def table(name: str, form: str = "csv") -> str:
        return b"".join(Export(campaign, name, form)).decode()

    paid = ("practice", "payments")  # each try is paid for
    others = [name for name in TABLES["contains"] if name not in paid]
    before = {name: table(name) for name in others}
    progress = Place.objects.count(), Assignment.objects.count(), campaign.round
    stranger = Client()
    again = practise(campaign, stranger, begin(door(campaign), stranger), wrong=4)
    practise(campaign, stranger, go_on(stranger, again), wrong=4)
    aggregate(campaign)
    campaign.refresh_from_db()
    assert {name: table(name) for name in others} == before
    assert (Place.objects.count(), Assignment.objects.count(), campaign.round) == progress
    lines = table("practice").splitlines()
    assert lines[0] == "campaign,worker,image,label,known,answered,try,submitted_at"
    rows = [line.split(",") for line in lines[1:]]
    assert [row[6] for row in rows] == ["1"] * 8 + ["2"] * 4
    assert [row[4] == row[5] for row in rows].count(True) == 3
    attempt = PracticeTry.objects.order_by("submitted_at").first()
    one, two, *others = attempt.shown
    PracticeTry.objects.filter(pk=attempt.pk).update(selected=others, maybe=[one], unseen=[two])
    answered = [line.split(",")[5] for line in table("practice").splitlines()[1:5]]
    assert answered == ["maybe", "", "true", "true"]
    in_json = [json.loads(line)["answered"] for line in table("practice", "jsonl").splitlines()]
    assert in_json[:4] == ["maybe", None, True, True]
    assert set(in_json[4:]) <= {True, False}
