"""Why a page shows no HIT: each reason in words of its own."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagesets.clock import Now
from tasks.campaigns.publish import close, pause
from tasks.crowds.local.invitations import revoke
from tasks.models import Campaign, Invitation, Place, PracticeHIT, PracticeTry, Worker
from tasks.models.campaign import State
from tasks.pages.thanks import WORDS, Reason
from tasks.simulation.worksheet import consent_form
from tasks.work.claiming import give_back, next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import answer_one, begin, invite

NOTHING = {"selected": [], "maybe": [], "unseen": []}


@pytest.fixture
def campaign(db, tmp_path) -> Campaign:
    return open_campaign(make_pictures(tmp_path), "contains", workers_per_item=2, round_size=2)


def answer_all(campaign: Campaign, name: str):
    """A worker does all they may; their last assignment."""
    worker, done = Worker.of("local", name), None
    while assignment := next_assignment(campaign, worker):
        done = submit(assignment, NOTHING).assignment
    return done


def door(campaign: Campaign) -> str:
    return reverse("tasks:campaign", args=[campaign.public_id])


def thanks(done) -> str:
    address = reverse("tasks:thanks", args=[done.campaign.public_id])
    return f"{address}?assignmentId={done.token}"


def page_of(assignment) -> str:
    address = reverse("tasks:hit", args=[assignment.hit.public_id])
    return f"{address}?assignmentId={assignment.token}"


def late(campaign):
    assignment = next_assignment(campaign, Worker.of("local", "ada"))
    past = timezone.now()
    type(assignment).objects.filter(pk=assignment.pk).update(expires_at=past)
    Place.objects.filter(holder=assignment).update(free_at=past)
    answer_all(campaign, "bob"), answer_all(campaign, "eve")
    html = Client().post(
        page_of(assignment), {"assignmentId": assignment.token} | _none(assignment)
    )
    return html


def _none(assignment):
    from tasks.pages.sheets import sheet_of

    return {"none": [section.id for section in sheet_of(assignment).sections]}


def answered(campaign):
    done = answer_all(campaign, "ada")
    return Client().get(page_of(done))


def returned(campaign):
    assignment = next_assignment(campaign, Worker.of("local", "ada"))
    give_back(assignment)
    return Client().get(thanks(assignment))


def stopped(campaign):
    done = answer_all(campaign, "ada")
    set_aside(campaign, done.worker, "careless", "a test")
    return Client().get(thanks(done))


def refused(campaign):
    Campaign.objects.update(consent="We study pictures.", open="anyone")
    browser = Client()
    address = begin(door(campaign), browser)["Location"]
    form = consent_form(browser.get(address).content.decode())
    return browser.post(address, dict([*form.hidden, form.buttons[1]]))


def lapsed(campaign):
    browser = Client()
    response = begin(invite(campaign), browser)
    revoke(campaign, Invitation.objects.get().pk, "a test")
    return browser.get(answer_one(browser, response)["Location"])


def not_admitted(campaign):
    Campaign.objects.update(practice={"items": 2, "pass": 1.0, "tries": 1}, open="anyone")
    hit = PracticeHIT.objects.create(campaign=campaign, number=1, expected_seconds=18, reward=0)
    ada = Worker.of("local", "ada")
    failed = {"submitted_at": Now(), "right": 0, "passed": False}
    attempt = PracticeTry.objects.create(hit=hit, worker=ada, **failed)
    return Client().get(door(campaign), {"after": attempt.token})


def excluded(campaign):
    earlier = open_campaign(campaign.dataset, "contains", slug="earlier")
    answer_all(earlier, "ada")
    done = next_assignment(campaign, Worker.of("local", "ada"))
    submit(done, NOTHING)
    Campaign.objects.filter(pk=campaign.pk).update(exclude_workers_of=["earlier"])
    return Client().get(thanks(done))


def not_among(campaign):
    open_campaign(campaign.dataset, "contains", slug="earlier")
    done = next_assignment(campaign, Worker.of("local", "ada"))
    submit(done, NOTHING)
    Campaign.objects.filter(pk=campaign.pk).update(only_workers_of=["earlier"])
    return Client().get(thanks(done))


def draft(campaign):
    Campaign.objects.update(state=State.DRAFT)
    return Client().get(door(campaign))


def paused(campaign):
    done = answer_all(campaign, "ada")
    pause(campaign, "a test")
    return Client().get(thanks(done))


def finished(campaign):
    done = [answer_all(campaign, name) for name in ("ada", "bob")]
    return Client().get(thanks(done[1]))


def closed(campaign):
    done = answer_all(campaign, "ada")
    close(campaign, "a test")
    return Client().get(thanks(done))


def nothing_now(campaign):
    return Client().get(thanks(answer_all(campaign, "ada")))


# Reason: (how it comes about, status, the link on, if there is one)
CASES = {
    Reason.LATE: (late, 410, ""),
    Reason.ANSWERED: (answered, 200, "Go on to the next"),
    Reason.RETURNED: (returned, 200, "Go on to the next"),
    Reason.STOPPED: (stopped, 200, ""),
    Reason.REFUSED: (refused, 200, "Read the text again"),
    Reason.NOT_ADMITTED: (not_admitted, 200, ""),
    Reason.EXCLUDED: (excluded, 200, ""),
    Reason.NOT_AMONG: (not_among, 200, ""),
    Reason.LAPSED: (lapsed, 200, ""),
    Reason.DRAFT: (draft, 200, ""),
    Reason.PAUSED: (paused, 200, ""),
    Reason.FINISHED: (finished, 200, ""),
    Reason.CLOSED: (closed, 200, ""),
    Reason.NOTHING_NOW: (nothing_now, 200, "Look again"),
}


@pytest.mark.parametrize("reason", Reason)
def test_the_page_says_why_there_is_no_hit(reason, campaign):
    act, status, link = CASES[reason]
    response = act(campaign)
    html = response.content.decode()
    words = WORDS[reason]
    assert response.status_code == status
    assert f"<h1>{words.heading}</h1>" in html
    assert f"<p>{words.text}</p>" in html
    assert (f">{link}</a>" if link else ">All open studies</a>") in html
    others = [other.text for name, other in WORDS.items() if name != reason]
    assert not [text for text in others if f"<p>{text}</p>" in html]


@pytest.mark.parametrize("reason", [Reason.PAUSED, Reason.CLOSED])
def test_somebody_who_has_answered_nothing_is_not_thanked(reason, campaign):
    (pause if reason == Reason.PAUSED else close)(campaign, "a test")
    html = Client().get(door(campaign)).content.decode()
    assert f"<h1>{WORDS[reason].newcomer}</h1>" in html
    assert "You have answered" not in html


def test_a_worker_who_was_stopped_and_gives_work_back_is_led_no_further(campaign):
    assignment = next_assignment(campaign, Worker.of("local", "ada"))
    set_aside(campaign, assignment.worker, "careless", "a test")
    give_back(assignment)
    html = Client().get(thanks(assignment)).content.decode()
    assert f"<h1>{WORDS[Reason.RETURNED].heading}</h1>" in html
    assert "Go on to the next" not in html


def test_no_two_reasons_have_the_same_words():
    assert set(WORDS) == set(Reason)
    assert len({words.text for words in WORDS.values()}) == len(Reason)
    assert len({(words.heading, words.text) for words in WORDS.values()}) == len(Reason)
