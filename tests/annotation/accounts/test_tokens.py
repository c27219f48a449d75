"""Everybody makes tokens of their own, and what the page shows to paste really works."""

import html
import re

import pandas
import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import RightsChange, Token
from tasks.models import Campaign
from tests.factories import make_user
from tests.studies.answered_studies import make_two_studies

pytestmark = pytest.mark.django_db
PAGE = "/admin/tokens/"


def entered(name: str, role: str = "", campaign: Campaign | None = None) -> Client:
    client = Client()
    client.force_login(make_user(name, role, campaign))
    return client


def made(client: Client, **fields) -> str:
    form = {"name": "my notebook", "scopes": ["read"], "days": 30} | fields
    answer = client.post(PAGE, form)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def lines_to_paste(page: str) -> str:
    return html.unescape(re.search(r'<pre id="snippet"[^>]*>(.*?)</pre>', page, re.S)[1])


@pytest.mark.django_db(transaction=True)
def test_the_lines_to_paste_read_the_readers_own_campaign(live_server, settings):
    campaign = make_two_studies()
    settings.PUBLIC_URL = live_server.url
    reader = entered("reader", "viewer", campaign)
    lines = lines_to_paste(made(reader))
    told: dict = {}
    exec(lines, told)
    judgments = told["judgments"]
    assert isinstance(judgments, pandas.DataFrame)
    assert len(judgments) > 5
    assert set(judgments["campaign"]) == {campaign.slug}
    assert {"worker", "image", "selected", "used"} <= set(judgments.columns)
    token = Token.objects.get(auth_token__user__username="reader")
    assert (token.name, token.scopes) == ("my notebook", ["read"])
    reader.post(PAGE, {"revoke": token.pk})
    with pytest.raises(Exception, match="401"):
        exec(lines, {})


def test_who_sees_no_campaign_is_told_what_to_put_there():
    page = made(entered("reader", "viewer"))
    assert "/api/campaigns/SLUG/export/judgments.csv" in lines_to_paste(page)
    assert "in the place of SLUG" in page


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "Choose what it may do"),
        ({"scopes": ["spend"]}, "needs read or write"),
        ({"scopes": ["everything"]}, "not one of the available choices"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"days": 10**9}, "less than or equal to 36500"),
    ],
)
def test_a_wrong_form_says_so_and_makes_nothing(changed, says):
    form = {"name": "x", "scopes": ["read"], "days": 30} | changed
    answer = entered("reader", "viewer").post(PAGE, form)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Token.objects.exists()


def test_nobody_revokes_a_token_of_somebody_else_here():
    made(entered("reader", "viewer"))
    token = Token.objects.get()
    other = entered("other", "owner")
    for number in (token.pk, "x", "", "9" * 30):
        assert other.post(PAGE, {"revoke": number}).status_code == 404
    assert entered("reader").post(PAGE, {"revoke": token.pk}).status_code == 302
    assert not Token.objects.exists()
    assert RightsChange.objects.filter(whom="reader", what__startswith="lost token").exists()


def test_a_form_without_its_token_makes_none_and_somebody_without_a_role_sees_no_page():
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(make_user("reader", "viewer"))
    assert careful.post(PAGE, {"name": "x", "scopes": ["read"]}).status_code == 403
    assert entered("nobody").get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302
    assert not Token.objects.exists()


def test_the_pages_link_to_each_other():
    page = entered("reader", "viewer").get(PAGE).content.decode()
    assert f'href="{reverse("api-docs")}"' in page
    assert "Everybody" not in page
    assert "Everybody" in entered("boss", "owner").get(PAGE).content.decode()
