"""Drafts: nothing that a worker chose is lost, and the newest revision wins."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.test import Client
from django.utils import timezone

from tasks.models import Assignment, Draft, Place, Worker
from tasks.pages.drafts import LONGEST
from tasks.simulation.worksheet import worksheet
from tasks.work.claiming import give_back, next_assignment
from tasks.work.drafts import KEPT, Saved, forget_old, save
from tasks.work.submitting import submit
from tests.factories import answer_no
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign
from tests.studies.threads import at_once, beside
from tests.studies.visitors import begin, door

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


@pytest.fixture
def contains(dataset):
    return open_campaign(dataset, "contains", workers_per_item=3, round_size=3, maybe=True)


class Page:
    """A HIT's page, open in a browser."""

    def __init__(self, campaign):
        self.browser = Client()
        self.address = begin(door(campaign), self.browser)["Location"]
        self.sheet = worksheet(self.html)
        self.question = self.sheet.questions[0]

    @property
    def html(self) -> str:
        return self.browser.get(self.address).content.decode()

    def draft(self, revision, *fields: tuple[str, str]):
        data = {"draft": "1", "revision": revision}
        for name, value in [*self.sheet.hidden, *fields]:
            data.setdefault(name, []).append(value)
        return self.browser.post(self.address, data)

    def send(self, choose=None):
        data: dict[str, list[str]] = {}
        for name, value in fields_of(self.sheet, choose):
            data.setdefault(name, []).append(value)
        return self.browser.post(self.address, data)

    def checked(self, option) -> bool:
        tag = f'name="{option.name}" value="{option.value}"'
        start = self.html.index(tag)
        return " checked" in self.html[start : self.html.index(">", start)]


def test_the_page_shows_the_newest_draft_in_whatever_order_they_came(contains):
    for order in permutations((1, 2, 3)):
        page = Page(contains)
        options = page.question.named("selected")
        for number in order:
            option = options[number - 1]
            fields = [(option.name, option.value), ("comment", f"words {number}")]
            assert page.draft(number, *fields).status_code == 204
        html = page.html
        assert 'data-revision="3"' in html
        assert ">words 3</textarea>" in html
        assert [page.checked(option) for option in options[:3]] == [False, False, True]
    assert not Assignment.objects.exclude(state="open", selected=[], comment="").exists()


def test_a_classify_form_comes_back_whole(dataset):
    page = Page(open_campaign(dataset, "classify"))
    label, main = page.question.named("labels-")[0], page.question.named("main-")[1]
    none = page.sheet.questions[1].named("none-")[0]
    other = none.name.replace("none", "other")
    fields = [(o.name, o.value) for o in (label, main, none)]
    page.draft(7, *fields, (other, "a “boat” ⛵\0"), ("active_seconds", "12.5"))
    assert all(map(page.checked, (label, main, none)))
    assert "a “boat” ⛵" in page.html
    assert 'name="active_seconds" value="12.5"' in page.html
    assert 'class="error"' not in page.html


def test_a_draft_renews_the_time_only_if_it_changes_a_choice(contains):
    page = Page(contains)
    assignment = Assignment.objects.get()
    place = assignment.place
    option, another = page.question.named("selected")[:2]

    def renewed(revision, *fields) -> bool:
        soon = timezone.now() + timedelta(minutes=1)
        Assignment.objects.update(expires_at=soon)
        Place.objects.filter(pk=place.pk).update(free_at=soon)
        response = page.draft(revision, *fields)
        assert response.status_code == 204
        assignment.refresh_from_db()
        place.refresh_from_db()
        assert assignment.expires_at == place.free_at
        told = response.headers.get("X-Expires")
        assert (told is not None) == (assignment.expires_at > soon)
        assert told is None or f'data-expires="{told}"' in page.html
        return told is not None

    one, two = ("selected", option.value), ("selected", another.value)
    assert not renewed(1, ("comment", "hm"))
    assert renewed(2, one)
    assert not renewed(3, one, ("comment", "hm"))
    assert not renewed(4, one, ("selected", "of-another-hit"), ("none", "strange"))
    assert not renewed(2, one, two)  # an older one
    assert renewed(5, one, two)
    assert renewed(6)
    Assignment.objects.update(opened_at=timezone.now() - timedelta(minutes=59, seconds=30))
    assert not renewed(7, one)  # never beyond assignment_minutes


def test_what_is_no_draft_is_refused_and_changes_nothing(contains):
    page = Page(contains)
    for revision in ("", "0", "-1", "1.5", "x", "٣", str(2**53), "9" * 5000):
        assert page.draft(revision, ("comment", "x")).status_code == 422
    assert page.draft(1, *[("selected", "y" * 1000)] * (LONGEST // 1000)).status_code == 413
    assert Client().post(page.address, {"draft": "1", "revision": 1}).status_code == 204
    assert (
        page.browser.post(page.address.split("?")[0] + "?assignmentId=guessed").status_code == 409
    )
    other = Page(contains)
    assert other.browser.post(page.address, {"draft": "1", "revision": 2}).status_code == 409
    assert Draft.objects.get().fields == "{}"


def test_a_draft_ends_with_its_work(contains):
    answered, returned, lost = Page(contains), Page(contains), Page(contains)
    for page in (answered, returned, lost):
        assert page.draft(1, ("comment", "x")).status_code == 204
    assert Draft.objects.count() == 3
    answered.send()
    give_back(Assignment.objects.get(token=returned.sheet.hidden[0][1]))
    assert Draft.objects.get().assignment.token == lost.sheet.hidden[0][1]
    past = timezone.now() - timedelta(minutes=1)
    Assignment.objects.filter(state="open").update(expires_at=past)
    Place.objects.filter(free_at__isnull=False).update(free_at=past)
    assert lost.draft(2).status_code == 204  # its place is still free
    for name in ("ada", "bob", "eve"):
        while assignment := next_assignment(contains, Worker.of("local", name)):
            submit(assignment, answer_no(assignment))
    replies = [page.draft(3, ("comment", "y")) for page in (answered, returned, lost)]
    assert [reply.status_code for reply in replies] == [409, 410, 410]
    json = answered.browser.post(
        answered.address, {"draft": "1", "revision": 9}, headers={"accept": "application/json"}
    )
    assert (json.status_code, list(json.json())) == (409, ["detail"])


def test_a_draft_takes_few_queries(contains, django_assert_num_queries):
    page = Page(contains)
    tile = page.question.named("selected")[0].value
    page.draft(1, ("selected", tile))
    with django_assert_num_queries(5):  # HIT, assignment, draft; items and labels, for the choices
        page.draft(2, ("selected", tile), ("comment", "hm"))
    with django_assert_num_queries(11):  # place and assignment, in a transaction
        page.draft(3, ("comment", "hm"))
    with django_assert_num_queries(3):
        page.draft(3)


def test_old_drafts_are_cleaned_up(contains):
    old, new, answered = (Page(contains) for _ in range(3))
    for page in (old, new, answered):
        page.draft(1)
    drafts = list(Draft.objects.order_by("pk"))
    Draft.objects.filter(pk=drafts[0].pk).update(saved_at=timezone.now() - KEPT)
    Assignment.objects.filter(pk=drafts[2].pk).update(submitted_at=timezone.now())
    forget_old()
    assert Draft.objects.get() == drafts[1]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_and_the_answer_at_once(tmp_path):
    campaign = open_campaign(make_pictures(tmp_path), "contains")
    assignment = next_assignment(campaign, Worker.of("local", "ada"))
    for number in range(0, 40, 4):
        at_once(*(lambda n=n: save(assignment, f'"{n}"', n) for n in range(number + 1, number + 5)))
        newest = Draft.objects.get()
        assert (newest.revision, newest.fields) == (number + 4, f'"{number + 4}"')
    with beside(save, assignment, "{}", 100) as saved:
        submit(assignment, answer_no(assignment))
    assert saved.result() == Saved.ANSWERED
    assert not Draft.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_draft_just_before_the_answer_goes_with_it(tmp_path):
    campaign = open_campaign(make_pictures(tmp_path), "contains")
    assignment = next_assignment(campaign, Worker.of("local", "ada"))
    with beside(submit, assignment, answer_no(assignment)) as submitted:
        assert save(assignment, "{}", 1) == Saved.STORED
    assert submitted.result().status == "stored"
    assert not Draft.objects.exists()
