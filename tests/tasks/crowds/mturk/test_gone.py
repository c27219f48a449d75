"""HITs that are deleted, disposed of, or of another account: named, offered anew or given up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from tasks.campaigns.publish import close, pause, resume
from tasks.crowds.mturk.models import Listing
from tasks.market.sync import Decisions, sync
from tasks.market.synced import for_a_person
from tasks.models import HIT, Assignment
from tasks.models.refused import Refused
from tasks.simulation.rehearsal.audit import audit
from tasks.simulation.rehearsal.market import Market
from tasks.simulation.rehearsal.people import BEST
from tasks.simulation.rehearsal.stage import Stage
from tests.studies.framed import Frame, first, hand_in
from tests.studies.places import used_per_hit

pytestmark = pytest.mark.django_db(transaction=True)


def deleted(market, hit) -> None:
    """As by a requester who has forgotten what it was."""
    del market.hits[hit.id]


def disposed(market, hit) -> None:
    """As MTurk keeps a deleted HIT for a while."""
    hit.disposed = True


def disposed_and_listed(market, hit) -> None:
    hit.disposed = True
    market._ListHITs = lambda given: {"HITs": [market._describe(h) for h in market.hits.values()]}


@pytest.fixture
def campaign(open_for_mturk):
    """Four HITs, two places each so far."""
    made = open_for_mturk(images=12, per_hit=3, workers_per_item=4, round_size=2)
    sync(made)
    return made


def names(campaign, market) -> dict[str, str]:
    """Our key of each HIT that the marketplace has, by its own id."""
    keys = dict(campaign.hits.values_list("public_id", "key"))
    return {hit.id: keys[market.public_id(hit)] for hit in market.hits.values()}


def answer(market, server, hits, workers) -> None:
    for hit in hits:
        for worker in workers:
            frame = Frame(market, server, worker, hit)
            hand_in(frame, frame.send(frame.open(), first))


@pytest.mark.parametrize(
    ("lose", "decision"),
    [(deleted, "offer_again"), (disposed, "give_up"), (disposed_and_listed, "offer_again")],
)
def test_a_lost_hit_is_named_and_the_others_go_on(campaign, market, server, lose, decision):
    hits = list(market.hits.values())
    lost, others = hits[0], hits[1:]
    key = names(campaign, market)[lost.id]
    answer(market, server, [lost], ["A1"])
    sync(campaign)
    lose(market, lost)
    done = sync(campaign)
    (told,) = for_a_person(done)
    assert told.startswith(f"1 of 4 HITs is gone at the marketplace: {key} ({lost.id}).")
    answer(market, server, others, ["A1", "A2"])
    done = sync(campaign)
    assert done.opened_round == 2
    assert done.lost
    assert all(hit.available(market.clock.now()) == 2 for hit in others)
    answer(market, server, others, ["A3", "A4"])
    done = sync(campaign)
    assert (done.state, len(for_a_person(done))) == ("open", 1)
    done = sync(campaign, decisions=Decisions("Ada", **{decision: [key]}))
    assert not for_a_person(done)
    if decision == "offer_again":
        anew = next(hit for hit in market.hits.values() if hit not in hits)
        assert anew.max_assignments == 3  # the one answer that it had counts
        assert anew.annotation != lost.annotation
        answer(market, server, [anew], ["A2", "A3", "A4"])
        done = sync(campaign)
    assert done.state == "finished"
    expected = 4 if decision == "offer_again" else 1
    assert used_per_hit(campaign) == {
        hit.pk: expected if hit.key == key else 4 for hit in campaign.hits.all()
    }
    done = sync(campaign)
    assert not for_a_person(done)
    assert not market.open_hits()
    words = [t.why for t in campaign.transitions.filter(subject="campaign", after="finished")]
    assert words == [
        "every HIT has its answers" + ("" if expected == 4 else "; 1 HITs were given up")
    ]


@pytest.mark.parametrize("lose", [deleted, disposed, disposed_and_listed])
def test_a_lost_hit_holds_up_no_step(campaign, market, lose):
    lose(market, next(iter(market.hits.values())))
    pause(campaign, "a test")
    assert not market.open_hits()
    resume(campaign, "a test")
    assert len(market.open_hits()) == 3
    assert sync(campaign).lost
    close(campaign, "a test")
    assert not market.open_hits()
    done = sync(campaign)
    assert (done.state, done.lost) == ("closed", "")


def test_another_account_is_asked_about_and_nothing_is_decided(campaign, market, server):
    answer(market, server, market.hits.values(), ["A1"])
    sync(campaign)
    ours, elsewhere = server.market, Market(market.clock)
    server.market = elsewhere
    done = sync(campaign)
    assert done.lost.startswith("all 4 HITs are gone at the marketplace")
    assert "Is this the account and endpoint" in done.lost
    assert not elsewhere.hits
    assert done.opened_round == 0
    server.market = ours
    done = sync(campaign)
    assert not for_a_person(done)
    answer(market, server, market.hits.values(), ["A2"])
    assert sync(campaign).opened_round == 2
    server.market = elsewhere  # and this time it is meant
    call_command("sync", campaign.slug, "--offer-again", "all")
    on = Stage(server)
    assert {hit.max_assignments for hit in on.market.hits.values()} == {2}


def test_answers_that_are_not_told_of_wait_for_the_decision(campaign, market, server):
    lost = next(iter(market.hits.values()))
    frame = Frame(market, server, "A1", lost)
    frame.send(frame.open(), first)  # stored on the site, and perhaps handed in
    disposed(market, lost)
    Assignment.objects.update(expires_at="2020-01-01T00:00Z", submitted_at="2020-01-01T00:00Z")
    assert sync(campaign).expired == 0
    hit = HIT.objects.get(public_id=market.public_id(lost))
    sync(campaign, decisions=Decisions("Ada", give_up=[lost.id]))
    assert Assignment.objects.get().state == "expired"
    assert not hit.places.exists()
    log = campaign.transitions.get(subject=f"HIT {hit.key}")
    assert (log.after, log.who, log.why) == ("given up", "Ada", "0 of 4 answers")


def test_the_command_says_what_it_cannot_do(campaign, market, capsys):
    lost = next(iter(market.hits.values()))
    disposed(market, lost)
    with pytest.raises(CommandError, match="1 of 4 HITs is gone at the marketplace: "):
        call_command("sync", campaign.slug)
    assert "gone" not in capsys.readouterr().out  # what the error says stands nowhere else
    with pytest.raises(CommandError, match=r"nonsense is not a HIT that .* lost \(there are: hit"):
        call_command("sync", campaign.slug, "--give-up", "nonsense")
    with pytest.raises(Refused, match="cannot be given up and offered too"):
        sync(campaign, decisions=Decisions("Ada", ["all"], [lost.id]))
    assert not Listing.objects.filter(is_replaced=True).exists()
    call_command("sync", campaign.slug, "--give-up", "all")
    assert "1 HITs given up" in capsys.readouterr().out


def test_the_books_agree_when_a_hit_was_offered_anew(open_for_mturk, market, server, live_server):
    on = Stage(server)
    with on.site(live_server.url):
        campaign = open_for_mturk(images=12, per_hit=3, workers_per_item=4, round_size=2)
        sync(campaign)
        people = on.crew(4, seed=3, habits=BEST, careless=0, pictures=False)
        people.people = people.people[:2]
        people.work()
        sync(campaign)
        for hit in list(market.hits.values())[:2]:
            market.carry_out("UpdateExpirationForHIT", {"HITId": hit.id, "ExpireAt": 0})
            market.carry_out("DeleteHIT", {"HITId": hit.id})
        done = sync(campaign)
        assert done.lost.startswith("2 of 4 HITs are gone")
        sync(campaign, decisions=Decisions("Ada", ["all"]))
        people.hire(6, seed=4)
        while campaign.state == "open":
            people.work()
            sync(campaign)
        market.clock.move(timedelta(days=4))
        assert not for_a_person(sync(campaign))
        assert audit(campaign, market) == []
    assert sum(p.amount for p in campaign.payments.all()) == Decimal("0.30") * 16


def test_the_page_says_so_and_its_step_decides(campaign, market, admin_client):
    first_one, second = list(market.hits.values())[:2]
    keys = names(campaign, market)
    for hit in (first_one, second):
        disposed(market, hit)
    sync(campaign)
    page = admin_client.get(reverse("campaign-progress", args=[campaign.slug])).content.decode()
    assert "2 of 4 HITs are gone at the marketplace" in page
    step = reverse("admin:tasks_campaign_sync", args=[campaign.pk])
    assert step in page
    assert "Which of them" in admin_client.get(step).content.decode()
    sent = {"decision": "give_up", "hits": [keys[second.id]]}
    reply = admin_client.post(step, sent, follow=True).content.decode()
    assert "1 of 3 HITs is gone at the marketplace" in reply
    assert HIT.objects.get(given_up_at__isnull=False).key == keys[second.id]
    api = f"/api/campaigns/{campaign.slug}/sync/"
    refused = admin_client.post(api, {"offer_again": ["x"]}, "application/json")
    assert (refused.status_code, "x is not a HIT" in refused.json()["detail"]) == (409, True)
    done = admin_client.post(api, {"offer_again": ["all"]}, "application/json").json()
    assert done["lost"] == ""
    assert len(market.open_hits()) == 3
