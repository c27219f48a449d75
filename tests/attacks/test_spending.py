"""Real money and workers' own ids need their permissions, whatever the role."""

from decimal import Decimal

import pytest
from django.urls import reverse

from tasks.models import Assignment, Campaign
from tests.factories import (
    client_of,
    make_campaign,
    make_dataset,
    make_user,
    make_workers,
    work_through,
)
from tests.studies.fair import open_for_business

pytestmark = pytest.mark.django_db
CONFIRMED = {"production": True, "yes_spend": "500.00"}


@pytest.fixture
def draft(monkeypatch) -> Campaign:
    """A draft that would spend real money."""
    open_for_business(monkeypatch)
    return Campaign.objects.create(
        name="Paid",
        slug="paid",
        dataset=make_dataset(),
        kind="contains",
        crowd="fair",
        sandbox=False,
        budget=Decimal(500),
        contact="a lab",
    )


def publish(api, body: dict | None = None) -> int:
    at = "/api/campaigns/paid/publish/"
    return api.post(at, CONFIRMED if body is None else body, "application/json").status_code


def test_a_researcher_spends_nothing_without_the_permission(draft, client):
    assert publish(client_of("plain", "researcher")) == 403
    assert publish(client_of("plain")) == 403
    assert publish(client_of("boss", "owner")) == 403
    assert publish(client_of("narrow", "owner", ["read", "write"], spend=True)) == 403
    assert publish(client_of("reader", "viewer", spend=True)) == 403
    client.force_login(make_user("plain"))
    page = reverse("admin:tasks_campaign_publish", args=[draft.pk])
    assert client.post(page, {"budget": "500"}).status_code == 403
    assert (
        page
        not in client.get(reverse("admin:tasks_campaign_change", args=[draft.pk])).content.decode()
    )
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert publish(client_of("treasurer", "researcher", spend=True)) == 200


def test_resuming_is_spending_and_pausing_is_not(draft):
    treasurer, plain = (
        client_of("treasurer", "researcher", spend=True),
        client_of("plain", "researcher"),
    )
    assert publish(treasurer) == 200
    at = "/api/campaigns/paid/"
    assert plain.post(at + "pause/", {}, "application/json").status_code == 200
    assert plain.post(at + "resume/", {}, "application/json").status_code == 403
    assert publish(plain, {}) == 403
    assert Campaign.objects.get().state == "paused"
    assert treasurer.post(at + "resume/", {}, "application/json").status_code == 200


def test_raising_a_budget_is_spending_and_lowering_it_is_not(draft, client):
    api = client_of("plain", "researcher")

    def change(budget: str | None, by=api) -> int:
        body = {"budget": budget}
        return by.patch("/api/campaigns/paid/", body, "application/json").status_code

    assert change("900.00") == change(None) == 403
    assert change("400.00") == 200
    client.force_login(make_user("plain"))
    Campaign.objects.update(crowd="local")
    page = "/campaigns/paid/steps/crowd/"
    form = client.get(page).context["form"]
    posted = {name: form.initial[name] or "" for name in form.fields if form.initial[name]}
    answer = client.post(page, posted | {"budget": "401"})
    assert answer.context["form"].errors == {"budget": ["Raising it needs the permission spend."]}
    assert client.post(page, posted | {"budget": "399"}).status_code == 302
    assert Campaign.objects.get().budget == 399
    assert change("900.00", by=client_of("treasurer", "researcher", spend=True)) == 200


def test_a_bonus_is_spending(client):
    campaign = make_campaign(make_dataset(), slug="grid")
    work_through(campaign, make_workers(1))
    answer = Assignment.objects.filter(outcome="accepted")[0]
    page = reverse("admin:tasks_assignment_bonus", args=[answer.pk])
    bonus = {"amount": "1.00", "reason": "thorough"}
    client.force_login(make_user("boss", "owner"))
    assert client.post(page, bonus).status_code == 403
    assert not answer.payments.filter(kind="bonus").exists()
    client.force_login(make_user("judge", "reviewer", spend=True))
    assert client.post(page, bonus).status_code == 302
    assert answer.payments.filter(kind="bonus").exists()


def test_a_workers_own_id_needs_its_permission_for_that_campaign(client):
    campaign = make_campaign(make_dataset(), slug="grid")
    other = make_campaign(make_dataset(slug="otherset"), slug="other")
    first, second = make_workers(2)
    work_through(campaign, first)
    work_through(other, second)
    user = make_user("reader", "viewer", campaign, raw_workers=True)
    make_user("reader", "viewer")
    api = client_of("reader")
    assert api.get("/api/campaigns/grid/export/judgments.csv?raw_workers=1").status_code == 200
    assert api.get("/api/campaigns/other/export/judgments.csv?raw_workers=1").status_code == 403
    narrow = client_of("reader", scopes=["read"])
    assert narrow.get("/api/campaigns/grid/export/judgments.csv?raw_workers=1").status_code == 403
    client.force_login(user)
    for worker, shown in ((first, True), (second, False)):
        text = client.get(reverse("admin:tasks_worker_change", args=[worker.pk])).content.decode()
        assert (worker.external_id in text) is shown
        found = client.get(reverse("admin:tasks_worker_changelist"), {"q": worker.external_id})
        assert worker.pseudonym not in found.content.decode()
