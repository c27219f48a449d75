"""What comes next, state by state; and the home page that is made of it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.path.next_step import next_step
from annotation.path.standing import standing_of
from imagesets.models import ImportJob
from models_inference.models import InferenceJob
from tasks.campaigns.publish import close, pause, resume
from tasks.celery_tasks import ended_without_results
from tasks.crowds.local.invitations import make
from tasks.models import Campaign
from tasks.models.assignment import Outcome
from tasks.results import aggregate
from tests.factories import (
    answer_no,
    make_awkward_dataset,
    make_campaign,
    make_lettered_dataset,
    make_user,
    make_workers,
    work_through,
)
from tests.studies.judgment_files import give, make_draft, on


@pytest.fixture
def campaign(db, tmp_path) -> Campaign:
    dataset = make_awkward_dataset(tmp_path / "pictures")
    return make_campaign(dataset, workers_per_item=2, review_sample=1, open="anyone")


def said(campaign: Campaign, user) -> tuple[str, str]:
    (standing,) = standing_of([Campaign.objects.get(pk=campaign.pk)])
    step = next_step(standing, user)
    return step.sentence, step.button


def test_each_state_has_its_sentence_and_its_button(campaign):
    user = make_user("ada", "researcher")
    assert "nobody has answered yet" in said(campaign, user)[0]
    pause(campaign, "ada", "")
    assert said(campaign, user) == ("It is paused: no work is given out.", "Resume")
    resume(campaign, "ada", "")
    work_through(campaign, make_workers(2), answer_no)
    assert said(campaign, user) == ("1 answer waits for your review.", "Review")
    assert said(campaign, make_user("vera", "viewer")) == ("1 answer waits for your review.", "")
    campaign.assignments.filter(outcome=Outcome.NONE).update(outcome=Outcome.ACCEPTED)
    close(campaign, "ada", "")
    assert said(campaign, user)[1] == "Aggregate now"
    aggregate(campaign)
    assert said(campaign, user)[1] == "Ask with CLASSIFY"


def test_a_campaign_by_invitation_needs_somebody_to_invite_people(campaign, client):
    Campaign.objects.update(open="invited")
    user = make_user("ada", "researcher")
    without = "It is open, but nobody has a link to begin with."
    assert said(campaign, user) == (without, "Invite workers")
    assert said(campaign, make_user("vera", "viewer"))[1] == ""
    client.force_login(user)
    home = reverse("admin:index")
    assert [need.what for need in client.get(home).context["needs"]] == [without]
    make(campaign, "ada")
    assert said(campaign, user) == ("It is open, and nobody has answered yet.", "Invite workers")
    assert client.get(home).context["needs"] == []


def test_only_what_is_kept_for_a_person_waits_for_one(campaign):
    user = make_user("ada", "researcher")
    work_through(campaign, make_workers(2), answer_no)
    campaign.assignments.update(outcome=Outcome.NONE)
    assert said(campaign, user) == ("1 answer waits for your review.", "Review")


def test_a_study_that_ended_without_an_answer_has_nothing_to_aggregate(campaign):
    close(campaign, "ada", "")
    assert not ended_without_results().exists()


def test_imported_answers_are_aggregated_when_their_study_ends(db, client):
    user = make_user("ada", "researcher")
    given = make_draft(make_lettered_dataset())
    give(given, [on(submitted_at="2099-01-01T00:00:00Z")])  # a clock far ahead
    assert said(given, user)[1] == "End the study"
    close(given, "ada", "")
    assert list(ended_without_results()) == [given]
    aggregate(given)
    assert not ended_without_results().exists()
    assert "its results are being computed" not in said(given, user)[0]


def test_home_lists_what_needs_a_person_and_what_is_under_way(campaign, client):
    client.force_login(make_user("ada", "researcher"))
    work_through(campaign, make_workers(2), answer_no)
    ImportJob.objects.create(slug="broken", images="/nowhere", state="failed", error="No such file")
    InferenceJob.objects.create(
        dataset=campaign.dataset, classifiers=[1], queued_at=campaign.created_at, error="no memory"
    )
    page = client.get(reverse("admin:index")).content.decode()
    for sentence in ("1 answer waits", "No such file", "no memory", "Under way", campaign.name):
        assert sentence in page
    client.force_login(make_user("nobody"))
    assert client.get(reverse("admin:index")).status_code in (302, 403)


def test_home_costs_the_same_however_many_campaigns_run(campaign, client):
    client.force_login(make_user("ada", "researcher"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(reverse("admin:index")).status_code == 200
        return len(seen)

    queries()
    before = queries()
    for number in range(3):
        make_campaign(campaign.dataset, slug=f"more-{number}", open="anyone")
    assert queries() == before


def test_the_campaigns_page_costs_the_same_however_many_workers(campaign, client):
    client.force_login(make_user("ada", "researcher"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/campaigns/{campaign.slug}/").status_code == 200
        return len(seen)

    Campaign.objects.filter(pk=campaign.pk).update(review_sample=None)
    first, second = make_workers(2)
    work_through(campaign, [first], answer_no)
    before = queries()
    work_through(campaign, [second], answer_no)
    assert abs(queries() - before) <= 2  # the answers shown may be of more HITs


def test_a_campaign_out_of_money_needs_a_decision(campaign, client):
    Campaign.objects.update(out_of_money=True, target=1, budget="1.00")
    ada = make_user("ada", "researcher")
    sentence, button = said(campaign, ada)
    assert (sentence[:34], button) == ("Its budget ends at 1 of 2 answers ", "Decide")
    client.force_login(ada)
    assert "Its budget ends at 1 of 2" in client.get(reverse("admin:index")).content.decode()
