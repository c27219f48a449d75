"""The admin: every page loads, costs few queries, and lets nobody change history."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagesets.models import Dataset, Image
from models_inference.models import InferenceJob, Prediction, SkippedImage
from tasks.models import (
    Assignment,
    Campaign,
    ImageResult,
    KnownAnswer,
    Pair,
    PairResult,
    Session,
    Stop,
    Worker,
)
from tests.factories import (
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db
NAME_LABELS = (Pair, PairResult, ImageResult, KnownAnswer, Prediction, Image)
OURS = ("imagesets", "models_inference", "tasks")


@pytest.fixture(scope="module")
def made(module_db, tmp_path_factory) -> Campaign:
    """A CONTAINS campaign that was answered, its follow-up, a stopped worker, results."""
    dataset = make_awkward_dataset(tmp_path_factory.mktemp("admin") / "pictures")
    contains, _ = make_answered_study(dataset)
    InferenceJob.objects.create(
        dataset=dataset, classifiers=[1], queued_at=contains.created_at, error="none"
    )
    SkippedImage.objects.create(image=Image.objects.all()[0], reason="broken")
    Session.objects.create(
        campaign=contains,
        worker=Worker.objects.first(),
        hits=1,
        planned_seconds=60,
        reward="0.25",
        kept_until=contains.created_at,
    )
    return contains


@pytest.fixture
def study(made) -> Campaign:
    return Campaign.objects.get(pk=made.pk)


@pytest.fixture
def root(client):
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    return client


def address(row_or_model, page: str) -> str:
    meta = row_or_model._meta
    args = [] if page in ("changelist", "add") else [row_or_model.pk]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def test_an_empty_site_has_its_pages_too(root):
    assert not Campaign.objects.exists()  # before the module's study is made
    assert not Dataset.objects.exists()
    for model in admin.site._registry:
        assert root.get(address(model, "changelist")).status_code == 200, model
    assert root.get(address(Campaign, "add"), follow=True).status_code == 200


def test_every_list_and_every_page_loads(study, root):
    pair = study.pairs.first()
    KnownAnswer.objects.create(
        dataset=study.dataset, image=pair.image, label=pair.label, present=True
    )
    pages = 0
    for model, model_admin in admin.site._registry.items():
        answer = root.get(address(model, "changelist"))
        assert answer.status_code == 200, model
        if model_admin.search_fields:
            assert root.get(address(model, "changelist"), {"q": "3"}).status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert root.get(address(row, "change")).status_code == 200, model
            pages += 1
    empty = {m.__name__ for m in admin.site._registry if not m._default_manager.exists()}
    assert not {m for m in empty if m not in ("WorkerResult", "Group")} & {
        m.__name__ for m in admin.site._registry if m._meta.app_label in OURS
    }
    assert pages > 15
    assert root.get(reverse("admin:index")).status_code == 200


def test_the_navigation_is_in_the_order_of_the_work(study, root):
    page = root.get(reverse("admin:index")).content.decode()
    titles = re.findall(r"Datasets|Classifiers|Campaigns|Workers|Reports|Settings", page)
    order = list(dict.fromkeys(titles))
    assert order == ["Datasets", "Classifiers", "Campaigns", "Workers", "Reports", "Settings"]


def test_lists_lead_to_the_pages_of_studies_and_campaigns(study, root):
    for model, page in (
        (Dataset, reverse("dataset", args=[study.dataset.slug])),
        (Campaign, reverse("campaign-progress", args=[study.slug])),
    ):
        html = root.get(address(model, "changelist")).content.decode()
        assert f'href="{page}"' in html
        assert "/change/" not in html


def test_lists_tell_a_label_by_its_name_and_its_key_in_small(study, root):
    pair = study.pairs.first()
    KnownAnswer.objects.create(
        dataset=study.dataset, image=pair.image, label=pair.label, present=True
    )
    told = [address(model, "changelist") for model in NAME_LABELS]
    for page in [*told, address(study.hits.first(), "change")]:
        html = root.get(page).content.decode()
        assert re.search(r'\S+ <span style="font-size:12px;opacity:.8">[^<]+</span>', html), page


def test_lists_cost_the_same_however_long(study, root, tmp_path):
    def queries(model) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert root.get(address(model, "changelist")).status_code == 200
        return len(seen)

    models = [m for m in admin.site._registry if m._meta.app_label in OURS]
    before = {model: queries(model) for model in models}
    other = make_awkward_dataset(tmp_path / "more", slug="more")
    for number in range(3):
        work_through(make_campaign(other, slug=f"more-{number}"), make_workers(5), random_answers())
    after = {model: queries(model) for model in models}
    assert after == before
    assert max(after.values()) < 20


def test_a_page_of_a_hit_costs_the_same_however_many_items(study, root):
    hit = study.hits.all()[0]
    root.get(address(hit, "change"))
    with CaptureQueriesContext(connection) as few:
        root.get(address(hit, "change"))
    big = make_campaign(study.dataset, slug="big", grid_size=48, max_sections=8).hits.all()[0]
    assert big.items.count() > hit.items.count()
    with CaptureQueriesContext(connection) as many:
        root.get(address(big, "change"))
    assert len(many) <= len(few)


def test_the_campaign_list_shows_what_is_done(study, root):
    page = root.get(address(Campaign, "changelist")).content.decode()
    done = Assignment.objects.filter(campaign=study, outcome="accepted", set_aside=False).count()
    total = study.hits.count() * 2
    assert f"{done:,} of {total:,}" in page
    assert f'<rect width="{round(96 * done / total)}" height="8"' in page


def test_history_cannot_be_changed_or_deleted(study, root):
    answer = Assignment.objects.first()
    for row in (answer, study, study.hits.first(), PairResult.objects.first(), study.dataset):
        assert root.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    assert root.post(address(answer, "change"), {"state": "open"}).status_code == 403
    before = Campaign.objects.values().get(pk=study.pk)
    root.post(address(study, "change"), {"name": "Another", "workers_per_item": "1"})
    assert Campaign.objects.values().get(pk=study.pk) == before
    bulk = {"action": "delete_selected", "_selected_action": [study.pk], "post": "yes"}
    root.post(address(Campaign, "changelist"), bulk)
    assert Campaign.objects.filter(pk=study.pk).exists()


def test_a_draft_is_published_paused_resumed_and_ended(study, root):
    made = Campaign.objects.create(
        slug="by-hand", dataset=study.dataset, kind="contains", workers_per_item=2, grid_size=3
    )

    def step(name: str, **said) -> int | tuple[str, str]:
        page = reverse(f"admin:tasks_campaign_{name}", args=[made.pk])
        page = root.get(page, follow=True).request["PATH_INFO"]  # publish leads to its own page
        made.refresh_from_db()
        before = made.state
        status = root.post(page, said).status_code
        made.refresh_from_db()
        return status if status != 302 else (before, made.state)

    assert step("publish") == ("draft", "open")
    assert step("pause", why="lunch") == ("open", "paused")
    assert step("resume") == ("paused", "open")
    assert step("aggregate") == ("open", "open")
    assert step("close", number=0) == 422
    assert step("close", number=made.hits.count() * 2) == ("open", "closed")
    assert made.transitions.filter(who="root", why="lunch").exists()
    assert step("pause") == 422


def test_a_get_changes_nothing(study, root):
    before = Campaign.objects.get(slug="form").state
    form = Campaign.objects.get(slug="form")
    for name in ("publish", "pause", "resume", "aggregate", "close"):
        root.get(reverse(f"admin:tasks_campaign_{name}", args=[form.pk]))
    form.refresh_from_db()
    assert (form.state, form.runs.count()) == (before, 1)


def test_a_worker_is_set_aside_with_a_reason(study, root):
    form = Campaign.objects.get(slug="form")
    worker = Assignment.objects.filter(campaign=form)[0].worker
    page = reverse("admin:tasks_worker_set_aside", args=[worker.pk])
    assert root.post(page, {"campaign": form.pk, "why": ""}).status_code == 422
    assert not Stop.objects.filter(campaign=form).exists()
    assert root.post(page, {"campaign": form.pk, "why": "random clicks"}).status_code == 302
    assert Stop.objects.get(campaign=form).reason == "random clicks"
    assert not Assignment.objects.filter(campaign=form, worker=worker, set_aside=False).exists()


def test_raw_worker_ids_need_their_permission(study, client, root):
    worker = make_workers(1)[0]
    assert "person-0@example.org" in root.get(address(worker, "change")).content.decode()
    client.force_login(make_user("boss", "owner"))
    page = client.get(address(worker, "change")).content.decode()
    assert worker.pseudonym in page
    assert "person-0@example.org" not in page
    matches = client.get(address(type(worker), "changelist"), {"q": "person-0@example.org"})
    assert worker.pseudonym not in matches.content.decode()


def test_steps_need_the_right(study, client):
    client.force_login(make_user("reader", "viewer"))
    form = Campaign.objects.get(slug="form")
    assert client.get(address(form, "change")).status_code == 200
    page = reverse("admin:tasks_campaign_close", args=[form.pk])
    assert client.post(page, {"number": 0}).status_code == 403


def test_a_person_reviews_overturns_and_gives_a_bonus(study, root):
    """Accept or reject what waits; overturn what was rejected; a bonus for what was accepted."""
    Campaign.objects.filter(pk=study.pk).update(rejection=True)
    first, second = Assignment.objects.filter(campaign=study)[:2]
    for answer in (first, second):
        answer.payments.all().delete()
    Assignment.objects.filter(pk__in=[first.pk, second.pk]).update(outcome="")

    def step(answer: Assignment, name: str, **said) -> str:
        page = reverse(f"admin:tasks_assignment_{name}", args=[answer.pk])
        assert root.get(page).status_code == 200
        root.post(page, said)
        answer.refresh_from_db()
        return answer.outcome

    assert step(first, "accept", why="looks right") == "accepted"
    assert step(second, "reject", feedback="") == ""
    assert step(second, "reject", feedback="Not looked at.") == "rejected"
    assert second.feedback == "Not looked at."
    assert step(second, "bonus", amount="1.00", reason="thorough") == "rejected"
    assert step(second, "overturn", why="it was") == "accepted"
    step(second, "bonus", amount="1.00", reason="thorough")
    step(second, "bonus", amount="1.00", reason="thorough")
    paid = second.payments.order_by("kind").values_list("kind", "amount", "reason")
    assert [(kind, reason) for kind, _, reason in paid] == [
        ("base", "for the work"),
        ("bonus", "thorough"),
    ]
    log = second.transitions.order_by("pk").values_list("after", "who")
    assert ("rejected", "root") in log
    assert ("accepted", "root") in log
    page = root.get(address(second, "change")).content.decode()
    assert "thorough" in page
    assert "Not looked at." in page


def test_a_sync_by_hand_says_what_it_did(study, root):
    page = reverse("admin:tasks_campaign_sync", args=[study.pk])
    assert root.get(page).status_code == 200
    answer = root.post(page, follow=True)
    assert f"Campaign {study.slug} is" in answer.content.decode()
