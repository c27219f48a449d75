"""What workers are owed where no marketplace pays: counted, ticked off once, and exported."""

import re
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotation.models import Role
from tasks import money
from tasks.models import Assignment, Campaign, Payment, Session, Transition, Worker
from tasks.models.refused import Refused
from tasks.money.settling import accounts_of, settle
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, make_campaign, make_dataset, make_user
from tests.studies.judgment_files import exported

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/campaigns/{}/payments/"


@pytest.fixture
def campaign(db) -> Campaign:
    return make_campaign(make_dataset(12, 4), slug="paid", grid_size=4, workers_per_item=3)


def work(campaign: Campaign, name: str, sets: int = 1) -> Worker:
    worker = Worker.of("local", name)
    for _ in range(sets):
        assignment = next_assignment(campaign, worker)
        assert submit(assignment, answer_no(assignment)).status == "stored"
    return worker


def logged_in(name: str, role: str) -> Client:
    browser = Client()
    browser.force_login(make_user(name, role))
    return browser


def owed(campaign: Campaign) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        account.worker.external_id: (account.owed, account.paid)
        for account in accounts_of(campaign)
    }


def test_who_is_ticked_is_paid_what_the_page_said_and_no_more(campaign):
    ada, bob = work(campaign, "ada", 2), work(campaign, "bob")
    money.owe_bonus(Assignment.objects.filter(worker=ada).first(), Decimal("0.50"), "careful")
    each = Payment.objects.filter(kind="base").first().amount.quantize(Decimal("0.01"))
    assert owed(campaign) == {"ada": (2 * each + Decimal("0.50"), 0), "bob": (each, 0)}
    browser = logged_in("rita", Role.RESEARCHER)
    page = browser.get(ADDRESS.format("paid")).content.decode()
    (ticked,) = [
        f"{account.worker.pk}-{account.newest}"
        for account in accounts_of(campaign)
        if account.worker == ada
    ]
    assert ticked in page
    work(campaign, "ada")  # after the page was opened
    for _ in range(2):  # the second time changes nothing
        assert browser.post(ADDRESS.format("paid"), {"paid": [ticked]}).status_code == 302
    assert owed(campaign) == {"ada": (each, 2 * each + Decimal("0.50")), "bob": (each, 0)}
    (entry,) = Transition.objects.filter(subject=f"pay of {ada.pseudonym}")
    assert (entry.who, entry.after) == ("rita", "paid")
    assert money.usd(2 * each + Decimal("0.50")) in entry.why
    rows = {row["worker"]: row for row in exported(campaign, "payments")}
    assert rows[ada.pseudonym] == {
        "worker": ada.pseudonym,
        "session": None,
        "outcome": None,
        "base": str(3 * each),
        "bonus": "0.50",
        "currency": "USD",
        "owed": str(each),
        "paid": str(2 * each + Decimal("0.50")),
        "at": rows[ada.pseudonym]["at"],
    }
    assert rows[bob.pseudonym]["at"] is None


def test_everybody_on_the_page_can_be_recorded_at_once(campaign):
    work(campaign, "ada")
    work(campaign, "bob", 2)
    browser = logged_in("rita", Role.RESEARCHER)
    page = browser.get(ADDRESS.format("paid")).content.decode()
    listed = re.findall(r'name="listed" value="(.*?)"', page)
    assert f"Record all 2 as paid ({money.usd(money.spent(campaign))})" in page
    browser.post(ADDRESS.format("paid"), {"listed": listed, "all": ""})
    assert not Payment.objects.filter(state="due").exists()
    assert "Everybody has been paid" in browser.get(ADDRESS.format("paid")).content.decode()


def test_each_session_has_a_row_whatever_it_earned(campaign):
    now = timezone.now()
    ended = {"planned_seconds": 60, "hits": 1, "kept_until": now, "ended_at": now}
    for name, key, outcome in (
        *(("ada", "s1", "done"), ("ada", "s2", "no_work"), ("bob", "s3", "no_consent")),
        *(("eve", "s4", "done"),),
    ):
        session = Session.objects.create(
            campaign=campaign,
            worker=Worker.of("local", name),
            key=key,
            outcome=outcome,
            reward="2.50",
            is_test=name == "eve",
            **ended,
        )
        if outcome == "done":
            money.owe_session(session)
    bonus = work(campaign, "bob")  # outside of any session
    rows = exported(campaign, "payments", raw_workers=True)
    told = {(row["session"], row["outcome"], row["base"], row["owed"]) for row in rows}
    each = Payment.objects.get(assignment__worker=bonus).amount.quantize(Decimal("0.01"))
    assert told == {
        ("s1", "done", "2.50", "2.50"),
        ("s2", "no_work", "0.00", "0.00"),
        ("s3", "no_consent", "0.00", "0.00"),
        (None, None, str(each), str(each)),
    }
    assert owed(campaign) == {"ada": (Decimal("2.50"), 0), "bob": (each, 0)}


def test_a_crowds_name_for_a_session_is_for_whoever_may_read_raw_ids(campaign):
    """Where a panel names no sessions, a session is named by its worker's own id."""
    now = timezone.now()
    session = Session.objects.create(
        campaign=campaign,
        worker=Worker.of("local", "ada@panel"),
        key="ada@panel",
        outcome="done",
        reward="2.50",
        planned_seconds=60,
        hits=1,
        kept_until=now,
        ended_at=now,
    )
    (row,) = exported(campaign, "payments")
    assert row["session"] == str(session.pk)
    assert "ada@panel" not in str(row)
    (raw,) = exported(campaign, "payments", raw_workers=True)
    assert (raw["worker"], raw["session"]) == ("ada@panel", "ada@panel")


def test_two_who_tick_at_once_record_it_once(campaign):
    ada = work(campaign, "ada", 2)
    newest = {ada.pk: accounts_of(campaign)[0].newest}
    start, sums = Barrier(2), []

    def tick() -> None:
        start.wait()
        sums.append(settle(campaign, newest, "somebody"))
        connection.close()

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(settled) for settled in sums) == [0, 1]
    assert Transition.objects.filter(subject__startswith="pay of").count() == 1


def test_a_viewer_sees_it_and_ticks_nothing(campaign):
    work(campaign, "ada")
    browser = logged_in("vera", Role.VIEWER)
    page = browser.get(ADDRESS.format("paid")).content.decode()
    assert 'name="paid"' not in page
    assert "ada" not in page  # raw ids need a permission of their own
    ticked = f"{Worker.objects.get().pk}-{Payment.objects.get().pk}"
    assert browser.post(ADDRESS.format("paid"), {"paid": [ticked]}).status_code == 403
    assert Payment.objects.get().state == "due"


def test_a_marketplace_pays_its_workers_itself(campaign):
    work(campaign, "ada")
    Campaign.objects.update(crowd="mturk")
    campaign.refresh_from_db()
    browser = Client()
    browser.force_login(make_user("sue", Role.RESEARCHER, spend=True))
    page = browser.get(ADDRESS.format("paid"))
    ticked = f"{Worker.objects.get().pk}-{Payment.objects.get().pk}"
    told = browser.post(ADDRESS.format("paid"), {"paid": [ticked]}, follow=True)
    assert "its marketplace pays its workers" in told.content.decode()
    assert Payment.objects.get().state == "due"
    assert "The marketplace pays its workers" in page.content.decode()
    assert 'name="paid"' not in page.content.decode()
    with pytest.raises(Refused, match="its marketplace pays"):
        settle(campaign, {Worker.objects.get().pk: Payment.objects.get().pk}, "somebody")


def test_nobody_has_earned_anything_yet(campaign, admin_client):
    assert b"Nobody has earned anything yet" in admin_client.get(ADDRESS.format("paid")).content
