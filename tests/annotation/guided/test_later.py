"""A published campaign is changed by its page and by PATCH, and what it will do is said first."""

import pytest
from django.test import Client

from tasks.models import Campaign
from tests.factories import (
    client_of,
    make_campaign,
    make_dataset,
    make_user,
    make_workers,
    work_through,
)

pytestmark = pytest.mark.django_db
AT = "/campaigns/grid/change/"
API = "/api/campaigns/grid/"


@pytest.fixture
def campaign() -> Campaign:
    """An open study of two answers to each HIT, at 20 cents, whose budget is one dollar more."""
    campaign = make_campaign(make_dataset(), slug="grid", reward="0.20", budget=None)
    campaign.budget = campaign.hits.count() * 2 * campaign.hits.first().reward + 1
    campaign.save()
    return campaign


@pytest.fixture
def ada(client, campaign) -> Client:
    client.force_login(make_user("ada", "researcher"))
    return client


def form_of(client: Client) -> dict:
    """What a browser would post of the page's form as it is shown."""
    page = client.get(AT)
    form = page.context["form"]
    data = {name: value for name, value in form.initial.items() if value not in (None, "")}
    return data | {"seen": page.context["seen"]}


def said(client: Client, **values: str) -> str:
    return client.post(f"{AT}effect/", form_of(client) | values).content.decode()


def test_the_page_says_what_a_change_will_do_and_then_does_it(ada, campaign):
    hits = campaign.hits.count()
    fewer = said(ada, budget="0.30")
    assert "It cannot be less than" in fewer
    assert f"{3 * hits} answers more" in said(ada, workers_per_item="5")
    assert "The budget ends it at 2 of 5 answers" in said(ada, workers_per_item="5")
    assert "at most 30 minutes" in said(ada, assignment_minutes="30")
    assert "Nothing that workers" in said(ada, contact="Bob")
    assert Campaign.objects.get().workers_per_item == 2
    changed = {"workers_per_item": "5", "assignment_minutes": "30", "contact": "Bob"}
    assert ada.post(AT, form_of(ada) | changed).status_code == 302
    after = Campaign.objects.get()
    assert (after.workers_per_item, after.assignment_minutes, after.contact) == (5, 30, "Bob")
    page = ada.get("/campaigns/grid/log/").content.decode()
    assert "setting workers_per_item changed" in page


def test_a_wrong_value_stands_at_its_input_and_nothing_is_changed(ada, campaign):
    wrong = {"workers_per_item": "1", "contact": "Bob"}
    answer = ada.post(AT, form_of(ada) | wrong)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "workers_per_item": ["It can only be raised: it is 2."]
    }
    assert Campaign.objects.get().contact is None


def test_a_page_that_is_out_of_date_takes_nothing_back(ada, campaign):
    old = form_of(ada)
    ada.post(AT, form_of(ada) | {"workers_per_item": "3"})
    answer = ada.post(AT, old | {"contact": "Bob"})
    assert answer.status_code == 422
    assert "Somebody has changed it since" in answer.content.decode()
    assert (Campaign.objects.get().workers_per_item, Campaign.objects.get().contact) == (3, None)


def test_raising_the_budget_needs_the_permission(ada, campaign):
    more = f"{campaign.budget + 5:.2f}"
    assert "needs the permission spend" in said(ada, budget=more)
    answer = ada.post(AT, form_of(ada) | {"budget": more})
    assert answer.context["form"].errors == {"budget": ["Raising it needs the permission spend."]}
    assert ada.post(AT, form_of(ada) | {"budget": f"{campaign.budget - 1:.2f}"}).status_code == 302

    def patched(**who) -> int:
        api = client_of(**who)
        return api.patch(API, {"budget": more}, "application/json").status_code

    assert patched(name="ada") == 403
    assert patched(name="rich", role="researcher", scopes=["read", "write"], spend=True) == 403
    assert patched(name="boss", role="researcher", spend=True) == 200
    assert f"{Campaign.objects.get().budget:.2f}" == more


def test_patch_says_what_it_would_do_and_reopens_a_study_that_ended_for_money(campaign):
    api = client_of("boss", "researcher", spend=True)
    api.patch(API, {"workers_per_item": 4}, "application/json")
    work_through(campaign, make_workers(2))
    assert (campaign.state, campaign.out_of_money) == ("finished", True)
    body = {"budget": f"{campaign.budget * 3:.2f}"}
    told = api.patch(f"{API}?preview=true", body, "application/json").json()["consequences"]
    assert any("is open again" in sentence for sentence in told)
    assert Campaign.objects.get().state == "finished"
    changed = api.patch(API, body, "application/json").json()
    assert (changed["state"], changed["round"], changed["target"]) == ("open", 2, 4)
    refused = api.patch(f"{API}?preview=true", {"budget": "0.01"}, "application/json")
    assert "spent or promised" in refused.json()["budget"][0]
    frozen = api.patch(API, {"grid_size": 7, "contact": "us"}, "application/json")
    assert frozen.status_code == 400
    assert frozen.json().keys() == {"grid_size"}
