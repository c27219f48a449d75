"""A campaign's workers: their flags, which the list of flags tells in the same words."""

import pytest
from django.urls import reverse

from tasks.market.sync import sync
from tasks.models import Assignment, Flag, Worker
from tasks.results import aggregate
from tests.factories import make_user, make_workers, random_answers, work_through
from tests.studies.odd_pictures import make_pictures, open_campaign

pytestmark = pytest.mark.django_db


def all_yes(assignment: Assignment) -> dict:
    return {"selected": assignment.shown, "maybe": [], "unseen": []}


def all_no(assignment: Assignment) -> dict:
    return {"selected": [], "maybe": [], "unseen": []}


def every_other(assignment: Assignment) -> dict:
    return {"selected": assignment.shown[::2], "maybe": [], "unseen": []}


def first_label(assignment: Assignment) -> dict:
    answered = random_answers()(assignment)
    for said in answered["answers"]:
        said |= {"selected": said["offered"][:1], "main": said["offered"][0], "other": ""}
    return answered


def kinds(worker: Worker) -> list[str]:
    return sorted(worker.flags.values_list("kind", flat=True))


def test_habits_are_flagged_by_the_next_sync_and_told_everywhere_alike(tmp_path, client):
    campaign = open_campaign(make_pictures(tmp_path, 40), "contains", workers_per_item=3)
    yes, no, careful = make_workers(3)
    for worker, answer in ((yes, all_yes), (no, all_no), (careful, every_other)):
        work_through(campaign, [worker], answer)
    no.assignments.update(active_seconds=0.5)
    sync(campaign)
    assert (kinds(yes), kinds(no), kinds(careful)) == (["yes"], ["no", "pace"], [])
    before = set(Flag.objects.values_list("worker", "kind", "evidence"))
    aggregate(campaign)
    assert set(Flag.objects.values_list("worker", "kind", "evidence")) == before
    client.force_login(make_user("rita", "reviewer"))
    page = client.get(reverse("campaign-progress", args=[campaign.slug])).content.decode()
    flags = client.get(reverse("admin:tasks_flag_changelist")).content.decode()
    for flag in Flag.objects.all():
        assert flag.evidence in page
        assert flag.evidence in flags


def test_a_straight_line_is_a_habit_too(tmp_path):
    campaign = open_campaign(make_pictures(tmp_path, 42), "classify", workers_per_item=3)
    (worker,) = make_workers(1)
    work_through(campaign, [worker], first_label)
    sync(campaign)
    assert "line" in kinds(worker)
