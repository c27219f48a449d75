"""Invitations: who is let in, once, and what a link that lapsed still opens (rules V1 and V2)."""

import io
from importlib import import_module

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from tasks.crowds import crowd_of
from tasks.crowds.local.identity import SIGNED_SALT
from tasks.crowds.local.invitations import listed, revoke
from tasks.models import Arrival, Assignment, Campaign, Invitation, Worker
from tasks.simulation.worksheet import begin_form
from tasks.work.claiming import give_back
from tests.factories import client_of
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.threads import at_once
from tests.studies.visitors import answer_one, begin, begun, door, invite, is_at_work, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


@pytest.fixture
def campaign(dataset) -> Campaign:
    """By invitation: two HITs, three places each."""
    return open_campaign(dataset, "contains", open="invited", workers_per_item=3, round_size=3)


def test_nobody_begins_without_an_invitation(campaign):
    stranger = Client()
    for response in (stranger.get(door(campaign)), begin(door(campaign), stranger)):
        assert response.status_code != 303
        assert "by invitation" in says(response)
    other = open_campaign(campaign.dataset, "classify", open="anyone")
    known = Client()
    begun(door(other), known)
    assert "by invitation" in says(begin(door(campaign), known))
    assert Arrival.objects.filter(campaign=campaign).count() == 0
    assert Worker.objects.count() == 1


def test_a_link_of_one_use_names_one_worker_on_any_device(campaign):
    link = invite(campaign)
    phone, desk = Client(), Client()
    for _ in range(2):  # a preview of the link, in a mail or a chat
        assert phone.get(link).status_code == 200
    assert Invitation.objects.get().used == Worker.objects.count() == 0
    worker = begun(link, phone)
    assert begun(link, desk) == worker
    answer_one(desk, begin(link, desk))
    assert begun(door(campaign), phone) == worker
    invitation = Invitation.objects.get()
    assert (invitation.used, invitation.worker) == (1, worker)
    assert crowd_of(campaign).door.vouches_for(campaign, worker)


def test_two_people_with_links_of_their_own_share_a_computer(campaign):
    computer = Client()
    first, second = invite(campaign), invite(campaign)
    one, two = begun(first, computer), begun(second, computer)
    assert one != two
    assert "Begin" in computer.get(first).content.decode()  # a look changes no cookie
    assert begun(first, computer) == one
    assert computer.get(first).status_code == 303
    assert Invitation.objects.filter(used=1).count() == 2


def test_an_invitation_makes_no_second_person_of_a_visitor(dataset):
    campaign = open_campaign(dataset, "contains", open="anyone")
    browser = Client()
    worker = begun(door(campaign), browser)
    assert not crowd_of(campaign).door.vouches_for(campaign, worker)
    assert begun(invite(campaign), browser) == worker
    assert crowd_of(campaign).door.vouches_for(campaign, worker)
    assert not Arrival.objects.get().is_visitor


def test_a_link_of_many_uses_makes_a_worker_of_each_browser_until_it_is_used_up(campaign):
    link = invite(campaign, uses=2)
    first, second, third = Client(), Client(), Client()
    workers = {begun(link, first), begun(link, second)}
    assert begun(link, first) in workers
    assert len(workers) == Invitation.objects.get().used == 2
    for response in (third.get(link), begin(link, third)):
        assert "As many people as this invitation was meant for" in says(response)
    assert begun(door(campaign), second) in workers
    assert not any(crowd_of(campaign).door.vouches_for(campaign, worker) for worker in workers)


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_twice_uses_a_link_up_by_one(campaign):
    page = Client().get(invite(campaign, uses=5)).content.decode()
    form = dict(begin_form(page).hidden)
    responses = at_once(*[lambda: Client().post(door(campaign), form)] * 3)
    assert len({response["Location"] for response in responses}) == 1
    assert Invitation.objects.get().used == Worker.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_browsers_that_race_for_the_last_uses_only_so_many_get_in(campaign):
    link = invite(campaign, uses=2)
    responses = at_once(*[lambda: begin(link)] * 6)
    assert sum(map(is_at_work, responses)) == 2
    assert Invitation.objects.get().used == Worker.objects.count() == 2
    alone = invite(campaign)
    workers = at_once(*[lambda: begun(alone, Client())] * 4)
    assert len(set(workers)) == 1


def test_a_revoked_link_opens_no_new_work_but_the_open_hit_is_finished(campaign):
    link, unused = invite(campaign), invite(campaign)
    browser = Client()
    work = begin(link, browser)
    for invitation in listed(campaign):
        assert revoke(campaign, invitation.pk, "a test")
        assert not revoke(campaign, invitation.pk, "a test")
    assert "was withdrawn" in says(begin(unused))
    assert begin(link, browser)["Location"] == work["Location"]  # on to what is open
    done = answer_one(browser, work)
    assert Assignment.objects.get().used
    after = browser.get(done["Location"])  # no second HIT, although one is free
    assert "was withdrawn" in says(after)
    for response in (begin(link, browser), begin(door(campaign), browser), begin(link)):
        assert "was withdrawn" in says(response)
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize("uses", [1, 5])
def test_a_new_link_in_place_of_one_that_lapsed_makes_no_second_person(campaign, uses):
    browser = Client()
    worker = begun(invite(campaign, uses=uses), browser)
    give_back(Assignment.objects.get())
    revoke(campaign, Invitation.objects.get().pk, "a test")
    assert "was withdrawn" in says(begin(door(campaign), browser))
    assert begun(invite(campaign, uses=uses), browser) == worker
    assert Invitation.objects.filter(used=1).count() == 2
    assert Worker.objects.count() == 1


def test_an_expired_link_lets_nobody_in(campaign):
    link = invite(campaign, days=1)
    browser = Client()
    work = begin(link, browser)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_invitation SET expires_at = now() - interval '1 second'")
    answer_one(browser, work)
    for response in (begin(link), begin(link, browser), begin(door(campaign), browser)):
        assert "has expired" in says(response)
    assert Assignment.objects.count() == 1


def test_a_link_of_another_campaign_is_of_no_use(campaign):
    other = open_campaign(campaign.dataset, "classify", open="invited")
    moved = invite(other).replace(other.public_id, campaign.public_id)
    assert "for another study" in says(begin(moved))
    for forged in ("nonsense", "\0", "x" * 5000, ":", "a:b:c"):
        response = Client().post(door(campaign), {"invitation": forged})
        assert "is not valid" in says(response)
    assert Invitation.objects.get().used == Worker.objects.count() == 0


def test_signed_links_of_earlier_days_work_where_they_were_made(dataset):
    earlier, later = open_campaign(dataset, "contains"), open_campaign(dataset, "classify")
    Campaign.objects.update(open="invited")
    migration = import_module("tasks.migrations.0018_invitations")
    Campaign.objects.filter(pk=later.pk).update(state="draft")
    with connection.cursor() as cursor:
        cursor.execute(migration.AS_BEFORE)
    Campaign.objects.filter(pk=later.pk).update(state="open")

    def signed(campaign: Campaign) -> str:
        token = signing.dumps([campaign.public_id, "ada"], salt=SIGNED_SALT)
        return f"{door(campaign)}?invitation={token}"

    assert begun(signed(earlier), Client()).external_id == "ada"
    assert begun(signed(earlier), Client()).external_id == "ada"
    assert not is_at_work(begin(signed(later)))
    assert "is not valid" in says(begin(signed(earlier)[:-1]))


def test_nothing_in_the_database_opens_a_link(campaign):
    secret = invite(campaign).partition("invitation=")[2]
    row = Invitation.objects.values().get()
    assert secret not in map(str, row.values())
    assert "is not valid" in says(begin(f"{door(campaign)}?invitation={row['digest']}"))


def test_the_list_shows_what_is_open_to_this_visitor(campaign):
    anyone = open_campaign(campaign.dataset, "classify", open="anyone")
    guest = Client()
    begun(invite(campaign), guest)

    def listed_to(client: Client) -> set[str]:
        page = client.get("/tasks/").content.decode().partition("What you have done before")[0]
        return {one.slug for one in (campaign, anyone) if door(one) in page}

    assert listed_to(Client()) == {anyone.slug}
    assert listed_to(guest) == {anyone.slug, campaign.slug}
    revoke(campaign, Invitation.objects.get().pk, "a test")
    assert listed_to(guest) == {anyone.slug}


# Making, listing and revoking them


def called(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("invite", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


def test_the_command_makes_lists_and_revokes(campaign, settings):
    settings.PUBLIC_URL = "https://look.example"
    links = called("a-contains", "--count", "3", "--uses", "2", "--expires", "7")
    assert len(set(links)) == 3
    assert all(link.startswith(f"https://look.example{door(campaign)}?") for link in links)
    begun(links[0].removeprefix(settings.PUBLIC_URL), Client())
    rows = [line.split("\t") for line in called("a-contains", "--list")]
    assert [row[1] for row in rows] == ["0 of 2", "0 of 2", "1 of 2"]
    assert {row[2] for row in rows} == {"open"}
    assert not any(secret.partition("=")[2] in str(rows) for secret in links)
    assert "opens no new work" in called("a-contains", "--revoke", rows[0][0])[0]
    assert called("a-contains", "--list")[0].split("\t")[2] == "revoked"
    log = campaign.transitions.filter(subject__startswith="invitation")
    assert set(log.values_list("after", flat=True)) == {"made", "revoked"}
    for arguments, words in (
        (("--count", "0"), "Count must be 1 to 10,000, not 0"),
        (("--expires", "-1"), "Days must be 1 to 3,650, not -1"),
        (("--revoke", "99999"), "no invitation 99999"),
    ):
        with pytest.raises(CommandError, match=words):
            called("a-contains", *arguments)
    with pytest.raises(CommandError, match="--count is for new invitations") as wrong:
        called("a-contains", "--list", "--count", "2")
    assert wrong.value.returncode == 2
    assert Invitation.objects.count() == 3


def test_only_local_campaigns_have_invitations(campaign):
    campaign.crowd = "mturk"
    campaign.save()
    with pytest.raises(CommandError, match="only a campaign for the crowd local"):
        called("a-contains")


def test_the_api_makes_lists_and_revokes(campaign):
    api = client_of("staff", "researcher")
    at = f"/api/campaigns/{campaign.slug}/invitations/"
    made = api.post(at, {"count": 2, "expires": 3}, content_type="application/json")
    assert made.status_code == 201
    first, _ = made.json()["results"]
    link = first["link"].removeprefix("http://testserver")
    begun(link, Client())
    rows = api.get(at).json()["results"]
    assert [(row["used"], row["uses"], row["state"]) for row in rows] == [
        (0, 1, "open"),
        (1, 1, "used up"),
    ]
    assert all("link" not in row and row["expires_at"] for row in rows)
    assert api.delete(f"{at}{first['id']}/").status_code == 204
    assert api.get(at).json()["results"][1]["state"] == "revoked"
    assert api.delete(f"{at}99999/").status_code == 404
    assert api.get("/api/campaigns/nowhere/invitations/").status_code == 404
    for body in ({"count": 0}, {"uses": "2"}, {"expires": 0}, {"days": 1}):
        assert api.post(at, body, content_type="application/json").status_code == 400
    campaign.crowd = "mturk"
    campaign.save()
    assert api.post(at, {}, content_type="application/json").status_code == 409
    assert Client().get(at).status_code == 401
    assert Invitation.objects.count() == 2


def test_the_admin_leads_to_where_links_are_made_and_lists_them(campaign, admin_client):
    step = admin_client.get(reverse("admin:tasks_campaign_invite", args=[campaign.pk]))
    assert step["Location"] == f"/campaigns/{campaign.slug}/#invitations"
    page = admin_client.get(step["Location"])
    assert "How many links" in page.content.decode()
    form = {"count": 2, "uses": 5, "expires": ""}
    made = admin_client.post(f"/campaigns/{campaign.slug}/invitations/", form)
    links = [line for line in made.content.decode().split() if "?invitation=" in line]
    assert len(links) == 2
    invitation = Invitation.objects.first()
    assert (Invitation.objects.count(), invitation.uses) == (2, 5)
    row = reverse("admin:tasks_invitation_change", args=[invitation.pk])
    for address in (row, reverse("admin:tasks_invitation_changelist")):
        shown = admin_client.get(address).content.decode()
        assert "0 of 5" in shown
        assert invitation.digest not in shown
    revoked = admin_client.post(reverse("admin:tasks_invitation_revoke", args=[invitation.pk]))
    assert revoked.status_code == 302
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
