"""Pay for HITs that are gone at the marketplace: named until somebody says what became of it."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotation.models import Role
from tasks.market.sync import Decisions, sync
from tasks.market.synced import for_a_person
from tasks.models import HIT, Assignment, Payment, Transition
from tasks.models.refused import Refused
from tasks.work.review import accept
from tests.factories import make_user
from tests.studies.framed import Frame, first, hand_in
from tests.studies.judgment_files import exported

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(open_for_mturk, market, server):
    """A campaign of two HITs; the first, with two answers kept for Rita to review, is gone."""
    campaign = open_for_mturk(images=6, per_hit=3, workers_per_item=3, review_sample=2)
    sync(campaign)
    hit = next(iter(market.hits.values()))
    for worker in ("A1", "A2"):
        frame = Frame(market, server, worker, hit)
        hand_in(frame, frame.send(frame.open(), first))
    sync(campaign)
    del market.hits[hit.id]
    ours = HIT.objects.get(public_id=market.public_id(hit))
    sync(campaign, decisions=Decisions("Ada"))
    return campaign, ours, hit


def accept_all() -> None:
    for answer in Assignment.objects.all():
        accept(answer, "Rita")


def given_up(lost):
    campaign, ours, _ = lost
    accept_all()
    done = sync(campaign, decisions=Decisions("Ada", give_up=[ours.key]))
    assert done.troubles == []
    return campaign, ours, done


def states() -> list[tuple[str, str]]:
    return sorted(Payment.objects.values_list("kind", "state"))


def test_what_is_owed_for_a_lost_hit_is_named_until_it_was_paid_by_hand(lost, capsys):
    campaign, ours, done = given_up(lost)
    assert done.unpayable.startswith(
        f"2 workers are owed $0.50 for work on HITs that the marketplace no longer has, so it takes"
        f" no call to pay it: {ours.key}."
    )
    with pytest.raises(CommandError, match="2 workers are owed"):
        call_command("sync", campaign.slug)
    capsys.readouterr()
    call_command("sync", campaign.slug, "--paid-by-hand", ours.key)
    assert "2 recorded as paid by hand" in capsys.readouterr().out
    assert states() == [("base", "paid")] * 2 + [("fee", "paid")] * 2
    call_command("sync", campaign.slug)
    assert [row["paid"] for row in exported(campaign, "payments")] == ["0.25"] * 2
    assert Transition.objects.filter(after="paid", why__contains="$0.25").count() == 2


def test_what_nobody_can_pay_stays_owed_and_is_named_no_more(lost):
    campaign, *_ = given_up(lost)
    call_command("sync", campaign.slug, "--leave-unpaid", "all")
    call_command("sync", campaign.slug)
    assert [row["owed"] for row in exported(campaign, "payments")] == ["0.25"] * 2
    log = Transition.objects.filter(after="left unpaid")
    assert [entry.why for entry in log] == ["$0.25 cannot be paid and stays owed"] * 2
    call_command("sync", campaign.slug, "--paid-by-hand", "all")  # a way was found after all
    assert [row["owed"] for row in exported(campaign, "payments")] == ["0.00"] * 2


def test_a_hit_that_comes_back_is_paid_there(lost, market):
    campaign, _, _ = given_up(lost)
    sync(campaign, decisions=Decisions("Ada", leave_unpaid=["all"]))
    market.hits[lost[2].id] = lost[2]
    done = sync(campaign)
    assert (done.paid, for_a_person(done)) == (2, [])
    assert [assignment.status for assignment in lost[2].assignments] == ["Approved"] * 2


def test_answers_to_a_hit_that_was_offered_anew_are_named_once_and_stop_nothing(lost):
    campaign, *_ = lost
    sync(campaign, decisions=Decisions("Ada", offer_again=["all"]))
    accept_all()
    done = sync(campaign)
    assert done.troubles == []
    assert done.unpayable.startswith("2 workers are owed $0.50")
    assert not for_a_person(sync(campaign, decisions=Decisions("Ada", paid_by_hand=["all"])))


def test_a_rejection_of_a_lost_hit_is_not_tried_for_ever(lost):
    campaign, ours, _ = lost
    ours.assignments.update(outcome="rejected", feedback="careless")
    for decisions in ({}, {"offer_again": ["all"]}, {}):
        assert sync(campaign, decisions=Decisions("Ada", **decisions)).troubles == []


def test_a_decision_that_fits_nothing_changes_nothing(lost):
    campaign, ours, _ = given_up(lost)
    other = campaign.hits.exclude(pk=ours.pk).get()
    with pytest.raises(Refused, match=rf"{other.key} is not a HIT .* \(there are: {ours.key}\)"):
        sync(campaign, decisions=Decisions("Ada", paid_by_hand=[other.key]))
    with pytest.raises(Refused, match="no HIT can be paid by hand and left unpaid too"):
        sync(campaign, decisions=Decisions("Ada", paid_by_hand=["all"], leave_unpaid=[ours.key]))
    assert {state for _, state in states()} == {"due"}


def test_the_page_ticks_off_those_alone_whom_the_marketplace_cannot_pay(lost, client):
    campaign, *_ = given_up(lost)
    client.force_login(make_user("rita", Role.RESEARCHER))
    address = reverse("campaign-payments", args=[campaign.slug])
    page = client.get(address).content.decode()
    assert "except for $0.50 owed to 2 of them" in page
    listed = [f"{p.worker.pk}-{p.pk}" for p in Payment.objects.filter(kind="base").order_by("pk")]
    told = client.post(address, {"paid": listed[:1]}, follow=True).content.decode()
    assert "Recorded: $0.25 was paid to 1 worker." in told
    told = client.post(address, {"paid": listed[1:], "leave": ""}, follow=True).content.decode()
    assert "Recorded: nobody can pay 1 worker $0.25; it stays owed." in told
    assert "$0.25 of that stays owed: somebody has recorded that nobody can pay it" in told
    assert not for_a_person(sync(campaign))


def test_the_api_decides_too_and_asks_for_the_right_to_spend_where_money_is_real(
    lost, admin_client, client, monkeypatch
):
    campaign, ours, _ = given_up(lost)
    api = f"/api/campaigns/{campaign.slug}/sync/"
    client.force_login(make_user("rita", Role.RESEARCHER))
    with monkeypatch.context() as real:
        real.setattr("annotation.api.campaigns.is_production", lambda campaign: True)
        said = client.post(api, {"leave_unpaid": ["all"]}, "application/json")
    assert (said.status_code, states()[0]) == (403, ("base", "due"))
    done = admin_client.post(api, {"paid_by_hand": [ours.key]}, "application/json").json()
    assert (done["paid_by_hand"], done["unpayable"]) == (2, "")
