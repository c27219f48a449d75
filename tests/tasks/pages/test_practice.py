"""Practice: known answers before the first HIT, paid, told afterwards, in no result (rule V7)."""

import json
import re
from decimal import Decimal

import pytest
from django.test import Client

from annotation.exports import Export
from annotation.exports.tables import TABLES
from imagesets.clock import Now
from imagesets.models import Image
from tasks import money
from tasks.models import (
    Assignment,
    Campaign,
    Invitation,
    Payment,
    PictureReport,
    Place,
    PracticeDraft,
    PracticeItem,
    PracticeTry,
    Worker,
)
from tasks.pages.own_work import own_work
from tasks.results import aggregate
from tasks.simulation.worksheet import consent_form, worksheet
from tasks.work.claiming import next_assignment
from tasks.work.practice import next_try
from tasks.work.reporting import keep_reports
from tests.studies.practised import filled_in, go_on, practise, practising
from tests.studies.threads import at_once
from tests.studies.visitors import answer_one, begin, door, invite, is_at_work, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db) -> Campaign:
    return practising()


def test_who_passes_is_told_what_is_right_paid_and_goes_on_to_work(campaign):
    client = Client()
    page = client.get(door(campaign))
    first = "First you practise on 4 pictures, and see what is right. It is paid like any set."
    assert first in says(page)
    begun = begin(door(campaign), client)
    assert not is_at_work(begun)
    assert "This is practice." in says(client.get(begun["Location"]))
    assert "go on to the work if 3 of 4 are right" in says(client.get(begun["Location"]))
    feedback = practise(campaign, client, begun, wrong=1)
    page = says(client.get(feedback))
    assert "You have passed the practice" in page
    assert "<strong>3 of 4</strong> were right; 3 are needed." in page
    assert page.count(">Right<") == 3
    assert page.count(">Not right<") == 1
    assert "definition" in page
    assert "Because of 0" in page
    assert is_at_work(go_on(client, feedback))
    attempt = PracticeTry.objects.get()
    assert (attempt.passed, attempt.right) == (True, 3)
    payment = Payment.objects.get()
    seconds = money.expected_seconds("contains", 4)
    assert payment.amount == money.reward_of(campaign, seconds) == Decimal("0.09")
    assert (payment.kind, payment.practice, payment.assignment) == ("practice", attempt, None)
    assert "You have practised on <strong>1 set</strong>." in says(client.get("/tasks/"))
    assert "You are owed <strong>$0.09</strong>" in says(client.get("/tasks/"))
    assert is_at_work(begin(door(campaign), client))  # once is enough
    assert PracticeTry.objects.count() == 1


def test_who_fails_twice_is_thanked_paid_and_gets_no_work(campaign):
    client = Client()
    first = practise(campaign, client, begin(door(campaign), client), wrong=2)
    page = says(client.get(first))
    assert "Not enough yet" in page
    assert "Try again with other pictures" in page
    assert not Assignment.objects.exists()
    second = practise(campaign, client, go_on(client, first), wrong=4)
    page = says(client.get(second))
    assert "Thank you for practising" in page
    assert "<form" not in page
    assert "You have practised on <strong>2 sets</strong>." in page
    assert "You are owed <strong>$0.18</strong>" in page
    shown = [
        set(PracticeItem.objects.filter(hit=attempt.hit).values_list("image", "label"))
        for attempt in PracticeTry.objects.order_by("opened_at")
    ]
    assert len(shown[0]) == len(shown[1]) == 4
    assert not shown[0] & shown[1]
    worker = Worker.objects.get()
    for asked in (begin(door(campaign), client), go_on(client, second)):
        assert not is_at_work(asked)
        assert "Thank you for practising" in says(client.get(asked["Location"]))
    assert next_assignment(campaign, worker) is None  # however they come
    assert next_try(campaign, worker) is None
    assert "We have no more work for you" in says(client.get("/tasks/"))
    assert not Assignment.objects.exists()
    assert Payment.objects.count() == 2


def test_a_second_try_may_admit(campaign):
    client = Client()
    first = practise(campaign, client, begin(door(campaign), client), wrong=3)
    assert is_at_work(go_on(client, practise(campaign, client, go_on(client, first))))
    assert own_work([Worker.objects.get()], campaign)[campaign.pk].stopped is False


def test_whatever_is_sent_twice_is_one_try_and_paid_once(campaign):
    client = Client()
    begun = begin(door(campaign), client)
    assert begin(door(campaign), client)["Location"] == begun["Location"]
    assert client.get(door(campaign))["Location"] == begun["Location"]  # it waits for them
    html = client.get(begun["Location"]).content.decode()
    feedback = client.post(begun["Location"], filled_in(campaign, html))["Location"]
    again = client.post(begun["Location"], filled_in(campaign, html, wrong=4))  # by Back
    assert again["Location"] == feedback
    assert client.get(feedback).content == client.get(feedback).content
    draft = filled_in(campaign, html) | {"draft": "1", "revision": "1"}
    assert client.post(begun["Location"], draft).status_code == 409
    assert PracticeTry.objects.get().right == 4
    assert Payment.objects.count() == 1
    assert go_on(client, feedback)["Location"] == go_on(client, feedback)["Location"]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_try_and_one_payment():
    campaign = practising()
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode(), wrong=4)
    token = address.partition("assignmentId=")[2]
    replies = at_once(*[lambda: Client().post(address, data)] * 6)
    assert {reply["Location"] for reply in replies} == {address}
    assert Payment.objects.count() == 1
    onward = {"assignmentId": token, "go_on": "1"}
    following = at_once(*[lambda: Client().post(address, onward)] * 6)
    assert len({reply["Location"] for reply in following}) == 1
    assert PracticeTry.objects.count() == 2


def test_it_carries_on_without_cookies_from_consent_to_the_first_hit():
    campaign = practising(consent="We study pictures.")
    address = begin(door(campaign), Client())["Location"]
    form = consent_form(Client().get(address).content.decode())
    begun = Client().post(address, dict([*form.hidden, form.buttons[0]]))
    failed = practise(campaign, Client(), begun, wrong=4)
    feedback = practise(campaign, Client(), go_on(Client(), failed))
    at_work = go_on(Client(), feedback)
    assert is_at_work(at_work)
    assert is_at_work(answer_one(Client(), at_work))
    assert Worker.objects.count() == 1


def test_nobody_does_it_for_another_or_without_its_token(campaign):
    owner, other = Client(), Client()
    address = begin(door(campaign), owner)["Location"]
    begin(door(campaign), other)
    assert other.get(address).status_code == 409
    bare = address.partition("?")[0]
    assert owner.get(bare).status_code == owner.get(bare + "?assignmentId=x").status_code == 409
    assert owner.get("/tasks/nowhere/practice/").status_code == 404


def test_mistakes_and_drafts_are_kept_as_on_a_hit(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    sheet = worksheet(client.get(address).content.decode())
    first = sheet.questions[0].named("selected")[0].value
    hidden = dict(sheet.hidden)
    none = sheet.questions[0].named("none")[0].value
    wrong = client.post(address, hidden | {"selected": [first], "none": [none]})
    assert wrong["Location"] == address + "&problems=1"
    page = client.get(wrong["Location"]).content.decode()
    assert "Not sent yet" in page
    assert re.search(f'value="{first}"[^>]* checked', page)
    by_script = {"accept": "application/json"}
    assert client.post(address, hidden, headers=by_script).status_code == 422
    newer = hidden | {"draft": "1", "revision": "9", "selected": [first]}
    assert client.post(address, newer).status_code == 204
    assert client.post(address, hidden | {"draft": "1", "revision": "8"}).status_code == 204
    assert f'value="{first}"' in client.get(address).content.decode()
    assert PracticeDraft.objects.get().revision == 9
    # Given back: nothing is paid, and it can be begun again.
    assert "Give this work back?" in says(client.post(address, hidden | {"return": "1"}))
    back = client.post(address, hidden | {"return": "1", "sure": "1"})
    assert "You have given the work back" in says(client.get(back["Location"]))
    assert not PracticeDraft.objects.exists()
    assert not Payment.objects.exists()
    assert begin(door(campaign), client)["Location"] == address
    data = filled_in(campaign, client.get(address).content.decode())
    reply = client.post(address, data, headers=by_script)
    assert reply.json() == {"next": address}


def test_a_picture_that_did_not_load_is_left_out_of_the_mark(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode())
    unseen = data["selected"].pop()
    sections = worksheet(client.get(address).content.decode()).questions
    data["none"] = [
        q.named("none")[0].value
        for q in sections
        if not {o.value for o in q.named("selected")} & set(data["selected"])
    ]
    client.post(address, data | {"unseen": [unseen]})
    attempt = PracticeTry.objects.get()
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    assert "Not seen" in says(client.get(address))
    assert "<strong>3 of 3</strong> were right; 3 are needed." in says(client.get(address))


def reporting(campaign: Campaign, page: str, *numbers: int) -> dict[str, list[str]]:
    """The fields of a practice's form, all right, but for the pictures reported there."""
    data = filled_in(campaign, page)
    questions = worksheet(page).questions
    tiles = [option.value for question in questions for option in question.named("selected")]
    reported = [tiles[number] for number in numbers]
    data["selected"] = [tile for tile in data["selected"] if tile not in reported]
    data["none"] = [
        question.named("none")[0].value
        for question in questions
        if not {option.value for option in question.named("selected")} & set(data["selected"])
    ]
    return data | {"report": reported}


def test_a_picture_reported_in_a_practice_is_kept_and_not_shown_again(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = reporting(campaign, client.get(address).content.decode(), 0)
    (tile,) = data["report"]
    draft = {"draft": "1", "revision": "1", f"why-{tile}": "blood"}
    assert client.post(address, data | draft).status_code == 204
    report = PictureReport.objects.get()
    attempt = PracticeTry.objects.get()
    item = attempt.hit.items.get(position=attempt.shown[0])
    assert (report.image, report.label, report.reason) == (item.image, item.label, "blood")
    assert (report.campaign, report.worker, report.assignment) == (campaign, attempt.worker, None)
    page = client.get(address).content.decode()  # a reload
    assert re.search(rf'name="report" value="{tile}"[^>]* checked', page)
    assert 'value="blood"' in page
    # The pictures of the HITs are the same file under other keys.
    asked = Image.objects.filter(pk__in=campaign.pairs.values("image"))
    asked.update(sha256=item.image.sha256)
    client.post(address, data | {f"why-{tile}": "blood"})
    attempt.refresh_from_db()
    assert attempt.unseen == attempt.shown[:1]
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    told = client.get(address)
    assert item.image.public_id not in told.content.decode()
    assert "You reported this picture." in says(told)
    assert "did not load" not in says(told)
    at_work = go_on(client, address)
    assert is_at_work(at_work)
    hit = client.get(at_work["Location"])
    assert "You reported picture 1 before, so it is not shown to you." in says(hit)
    assert "/images/" not in hit.content.decode()
    assert PictureReport.objects.get() == report
    stranger = Client()
    other = begin(door(campaign), stranger)["Location"]
    assert item.image.public_id in stranger.get(other).content.decode()


def test_whoever_reports_most_of_a_practice_does_not_pass(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    client.post(address, reporting(campaign, client.get(address).content.decode(), 0, 1))
    attempt = PracticeTry.objects.get()
    assert (attempt.right, attempt.seen, attempt.passed) == (2, 2, False)
    assert "<strong>2 of 2</strong> were right; 3 are needed." in says(client.get(address))
    assert Payment.objects.count() == 1  # it is paid all the same
    second = go_on(client, address)["Location"]
    client.post(second, reporting(campaign, client.get(second).content.decode(), 0, 1, 2, 3))
    assert "Thank you for practising" in says(client.get(second))
    assert next_assignment(campaign, attempt.worker) is None
    reported = set(PictureReport.objects.values_list("image", flat=True))
    assert reported >= set(
        PracticeItem.objects.filter(hit__number=2).values_list("image", flat=True)
    )
    assert Payment.objects.count() == 2


def test_pictures_are_reported_in_it_as_in_a_hit(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    data = filled_in(campaign, client.get(address).content.decode())
    selected, kept = data["selected"]
    draft = data | {"draft": "1", "report": [selected, kept], f"why-{kept}": "blood"}
    assert client.post(address, draft | {"revision": "2"}).status_code == 204
    assert PictureReport.objects.count() == 2
    client.post(address, draft | {"revision": "1", "report": []})  # it comes late
    assert PictureReport.objects.count() == 2
    client.post(address, draft | {"revision": "3", "report": [kept]})
    report = PictureReport.objects.get()
    assert (report.reason, report.assignment, report.worker) == (
        "blood",
        None,
        Worker.objects.get(),
    )
    attempt = PracticeTry.objects.get()
    keep_reports(attempt, {}, revision=2)  # of a draft that was stored first, and is slower
    assert PictureReport.objects.get() == report
    client.post(address, data | {"report": [kept]})
    attempt.refresh_from_db()
    assert (attempt.right, attempt.seen, attempt.passed) == (3, 3, True)
    assert PictureReport.objects.get() == report


def test_its_page_tells_nothing_before_it_is_sent(campaign):
    client = Client()
    address = begin(door(campaign), client)["Location"]
    page = client.get(address).content.decode()
    items = PracticeItem.objects.filter(hit__number=1).select_related("image")
    for item in items:
        assert item.image.key not in page
        assert item.explanation not in page or not item.explanation
    other = Client()
    begun = begin(door(campaign), other)["Location"]
    ids = [
        set(re.findall(r'value="(i\w{12})"', c.get(a).content.decode()))
        for c, a in ((client, address), (other, begun))
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


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


def test_it_starts_only_where_there_is_work_and_opens_no_round():
    campaign = practising(round_size=1)
    people = [Client() for _ in range(campaign.hits.count())]
    for client in people:
        go_on(client, practise(campaign, client, begin(door(campaign), client)))
    assert not Place.objects.filter(holder=None).exists()  # all are at work
    stranger = begin(door(campaign), Client())
    assert "nothing=1" in stranger["Location"]
    assert Worker.objects.count() == len(people)
    invited = begin(invite(campaign), Client())  # for whom a round may open, once they passed
    assert "/practice/" in invited["Location"]
    campaign.refresh_from_db()
    assert campaign.round == 1


def test_the_budget_holds_its_pay_and_carries_no_try_beyond():
    campaign = practising(
        budget=Decimal(2), reward=Decimal("0.10"), round_size=1, contact="ada@lab.example"
    )
    hits = campaign.hits.count()
    committed = money.committed(campaign)
    assert committed == Decimal("0.10") * hits
    client = Client()
    begun = begin(door(campaign), client)
    attempt = PracticeTry.objects.get()
    assert attempt.expires_at is not None
    assert "We keep this work for you" in says(client.get(begun["Location"]))
    assert money.committed(campaign) == committed + Decimal("0.10")
    feedback = practise(campaign, client, begun, wrong=4)
    assert money.committed(campaign) == committed + Decimal("0.10")
    Campaign.objects.update(budget=committed + Decimal("0.19"))
    assert "nothing for you" in says(client.get(go_on(client, feedback)["Location"]))
    assert PracticeTry.objects.count() == 1
    stranger = begin(door(campaign), Client())
    assert "/practice/" not in stranger["Location"]
    assert Worker.objects.count() == 1  # nobody was made in vain
    Campaign.objects.update(budget=committed + Decimal("0.20"))
    second = go_on(client, feedback)
    # Its time passes, and the money goes elsewhere: then it is not taken, and nobody is misled.
    PracticeTry.objects.filter(submitted_at=None).update(expires_at="2020-01-01T00:00Z")
    data = filled_in_later(campaign, second["Location"])
    Campaign.objects.update(budget=committed + Decimal("0.19"))
    assert client.get(second["Location"])["Location"].startswith(door(campaign))
    late = client.post(second["Location"], data)
    assert late.status_code == 410
    assert "ada@lab.example" in says(late)
    Campaign.objects.update(budget=committed + Decimal("0.20"))
    assert client.post(second["Location"], data).status_code == 303
    assert money.committed(campaign) == committed + Decimal("0.20")


def filled_in_later(campaign: Campaign, address: str) -> dict:
    """The form of a try as its page had it before its time was over."""
    attempt = PracticeTry.objects.get(token=address.partition("assignmentId=")[2])
    PracticeTry.objects.filter(pk=attempt.pk).update(expires_at=None)
    data = filled_in(campaign, Client().get(address).content.decode())
    PracticeTry.objects.filter(pk=attempt.pk).update(expires_at=attempt.expires_at)
    return data


def test_a_finished_study_begins_no_practice_but_takes_one_that_is_sent(campaign):
    client = Client()
    begun = begin(door(campaign), client)
    opened = client.get(begun["Location"]).content.decode()
    Campaign.objects.update(state="finished")
    assert "study is finished" in says(client.get(door(campaign)))
    feedback = practise(campaign, client, begun)
    assert "gives out no work at present" in says(client.get(feedback))
    assert Payment.objects.count() == 1
    Campaign.objects.update(state="closed", contact="ada@lab.example")
    PracticeTry.objects.update(submitted_at=None, passed=None, right=None)
    assert "ada@lab.example" in says(client.get(begun["Location"]))
    form = reporting(campaign, opened, 0)
    late = Client().post(begun["Location"], form | {"draft": "1", "revision": "1"})
    assert late.status_code == 410
    assert PictureReport.objects.count() == 1  # the worker has seen it
    assert Payment.objects.count() == 1


def test_a_revoked_invitation_lets_the_open_try_end_and_no_more():
    campaign = practising(open="invited")
    client = Client()
    link = invite(campaign)
    begun = begin(link, client)
    Invitation.objects.update(revoked_at=Now())
    feedback = practise(campaign, client, begun, wrong=4)
    assert "/practice/" not in go_on(client, feedback)["Location"]
    assert PracticeTry.objects.count() == 1
    assert Payment.objects.count() == 1
