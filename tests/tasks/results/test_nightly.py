"""Nightly aggregation on the queue, and how its failures are reported."""

import random

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from redis import Redis

from tasks.campaigns.publish import publish
from tasks.celery_tasks import aggregate_campaign, aggregate_campaigns
from tasks.models import Assignment, Campaign, Run
from tasks.results import last_failure
from tests.factories import make_lettered_dataset
from tests.studies.aggregated import answer_some, files, open_campaign
from tests.studies.counted_by_hand import check_classify, check_contains
from tests.studies.judgment_files import give, make_draft, on
from tests.studies.processes import until

pytestmark = pytest.mark.django_db(transaction=True)


def work_the_queue(start) -> None:
    """Start a worker of the queue, emptied of what other tests left."""
    Redis.from_url(settings.REDIS_URL).delete("default")
    start("-m", "celery", "-A", "annotation", "worker", "-Q", "default", "-c", "1", "-l", "ERROR")


@pytest.mark.parametrize(
    "wrong",
    [
        {"selected": ["nonumber"]},
        {"selected": [2**30], "main": 2**30},
        {"main": 2**30},
        {"main": "n02"},
        {"selected": 5},
        {"selected": [0.5]},
    ],
    ids=str,
)
def test_a_malformed_stored_answer_is_named(workers, wrong):
    campaign, rng = open_campaign("classify"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 3)
    one = Assignment.objects.filter(campaign=campaign)[1]
    one.answers = [said | wrong for said in one.answers]
    one.save()
    with pytest.raises(CommandError, match=f"assignment {one.key}: the stored answer to image"):
        call_command("aggregate", campaign.slug)
    assert not Run.objects.exists()


def test_a_failed_aggregation_is_reported_and_holds_up_no_other(
    workers, admin_client, caplog, start
):
    broken, rng = open_campaign("classify"), random.Random(1)
    whole = Campaign.objects.create(name="W", dataset=broken.dataset, kind="contains")
    publish(whole, "a test")
    for campaign in (broken, whole):
        answer_some(campaign, workers(1)[0], rng)
    one = Assignment.objects.get(campaign=broken)
    right = one.answers
    page = f"/campaigns/{broken.slug}/"
    assert "failed" not in admin_client.get(page).content.decode()
    one.answers = [{"offered": [], "selected": ["nonumber"], "main": None} for _ in one.shown]
    one.save()
    work_the_queue(start)
    aggregate_campaigns.delay()
    until(Run.objects.exists)
    until(lambda: last_failure(broken))
    assert [run.campaign for run in Run.objects.all()] == [whole]
    check_contains(whole)
    assert one.key in last_failure(broken).why
    assert "The last aggregation failed" in admin_client.get(page).content.decode()
    assert "failed" not in admin_client.get(f"/campaigns/{whole.slug}/").content.decode()
    aggregate_campaign(broken.pk)
    assert f"Aggregation of {broken.slug} failed" in caplog.text
    one.answers = right
    one.save()
    aggregate_campaigns.delay()
    until(broken.runs.exists)
    check_classify(broken)
    assert "The last aggregation failed" not in admin_client.get(page).content.decode()


def test_a_broken_connection_is_reported_too(workers, monkeypatch):
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng)

    def breaks(cursor, *_, **__) -> None:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.results.contains.write_workers", breaks)
        aggregate_campaign(campaign.pk)
    assert last_failure(campaign).why.startswith("OperationalError")
    aggregate_campaign(campaign.pk)
    assert last_failure(campaign) is None
    check_contains(campaign)


def test_the_nightly_job_takes_drafts_with_imported_answers(start):
    draft = make_draft(make_lettered_dataset())
    give(draft, [on()])
    empty = make_draft(make_lettered_dataset(slug="empty"), slug="empty")
    published = open_campaign("contains")
    gone = settings.DATA_DIR / "aggregation" / "campaign-999999.run-1.arrow"
    gone.parent.mkdir(parents=True, exist_ok=True)
    gone.write_bytes(b"")
    work_the_queue(start)
    aggregate_campaigns.delay()
    until(lambda: draft.runs.exists() and published.runs.exists() and not gone.exists())
    assert {run.campaign_id for run in Run.objects.all()} == {draft.pk, published.pk}
    assert not empty.runs.exists()
    assert files(draft)
    aggregate_campaign(999999)  # deleted since it was queued
