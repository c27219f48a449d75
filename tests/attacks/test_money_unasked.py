"""Nobody spends real money unasked: whatever is not known to be a sandbox counts as production."""

# ruff: noqa: F811 (pytest finds fixtures by name)

import http.server
import threading
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from tasks.campaigns.publish import publish, resume
from tasks.crowds import is_production
from tasks.market.sync import sync
from tasks.models import Campaign
from tasks.models.refused import Refused
from tasks.simulation.rehearsal import server as rehearsal
from tests.factories import client_of, make_dataset
from tests.studies.mturk_stand_in import market, server  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
BUDGET = Decimal("500.00")
ASKED = "real money.*--production --yes-spend"


@pytest.fixture
def draft(server) -> Campaign:
    """A draft for MTurk, whose setting sandbox is true, at an endpoint of one's own."""
    return Campaign.objects.create(
        slug="paid", name="Paid", dataset=make_dataset(), kind="contains", crowd="mturk",
        budget=BUDGET, contact="a lab", reward=Decimal("0.05"), workers_per_item=2, round_size=1,
    )  # fmt: skip


@pytest.fixture
def own_endpoint(monkeypatch):
    """The same marketplace as somebody else's: it cannot prove to be this site's rehearsal."""
    monkeypatch.setattr(rehearsal, "proof_of", lambda challenge: "0" * 64)


def test_an_endpoint_of_ones_own_is_production_whatever_sandbox_says(
    draft,
    own_endpoint,
    market,
    admin_client,
):
    assert draft.sandbox
    with pytest.raises(CommandError, match=ASKED):
        call_command("publish", "paid")
    api = client_of("boss", "owner", spend=True)
    address = "/api/campaigns/paid/publish/"
    for body in ({}, {"production": True}, {"production": True, "yes_spend": "5.00"}):
        reply = api.post(address, body, "application/json")
        assert reply.status_code == 409
    page = "/campaigns/paid/steps/publish/"
    assert b"whole budget" in admin_client.get(page).content
    assert admin_client.post(page, {"budget": "5"}).status_code == 422
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert not market.hits
    reply = api.post(address, {"production": True, "yes_spend": "500.00"}, "application/json")
    assert reply.status_code == 200
    assert market.hits
    assert draft.transitions.get(subject="budget typed").after == "$500.00"


def test_the_rehearsal_proves_what_it_is_and_asks_for_nothing(draft, market):
    publish(draft, "a test")
    assert market.hits
    with pytest.raises(Refused, match="nobody is paid real money"):
        publish(draft, "a test", production=True, yes_spend=BUDGET)


@pytest.mark.parametrize(
    ("endpoint", "sandbox", "production"),
    [
        ("", True, False),  # Amazon's own sandbox
        ("", False, True),
        ("https://mturk-requester-sandbox.us-east-1.amazonaws.com", False, False),
        ("https://mturk-requester-sandbox.us-east-1.amazonaws.com.example.org", True, True),
        ("http://127.0.0.1:9", True, True),  # nobody answers
        ("http://localhost:port", True, True),
        ("https://market.example.org", True, True),
    ],
)
def test_only_a_known_sandbox_is_one(settings, endpoint, sandbox, production):
    settings.MTURK_ENDPOINT_URL = endpoint
    assert is_production(Campaign(crowd="mturk", sandbox=sandbox)) is production


def test_a_server_that_repeats_what_it_is_asked_is_no_rehearsal(settings):
    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        settings.MTURK_ENDPOINT_URL = f"http://127.0.0.1:{echo.server_address[1]}"
        assert is_production(Campaign(crowd="mturk"))
        echo.shutdown()


def test_production_on_an_open_sandbox_campaign_is_refused(draft, market):
    publish(draft, "a test")
    with pytest.raises(CommandError, match="nobody is paid real money"):
        call_command("publish", "paid", "--production", "--yes-spend", "500")
    body = {"production": True, "yes_spend": "500.00"}
    api = client_of("boss", "owner", spend=True)
    for state in ("open", "paused"):
        Campaign.objects.update(state=state)
        assert api.post("/api/campaigns/paid/publish/", body, "application/json").status_code == 409


def test_a_sandbox_campaign_that_meets_real_money_spends_nothing(
    draft,
    market,
    monkeypatch,
):
    publish(draft, "a test")
    hits = len(market.hits)
    for hit in list(market.hits.values()):
        assignment = market.accept(hit, "AW0RKER")
        market.hand_in(assignment.id, [("answer", "")])
    monkeypatch.setattr(rehearsal, "proof_of", lambda challenge: "0" * 64)
    for _ in range(2):
        done = sync(draft)
        assert "real money" in done.unconfirmed
    assert (done.paid, done.opened_round, len(market.payments), len(market.hits)) == (0, 0, 0, hits)
    call_command("pause", "paid")  # nobody is kept from stopping
    assert not market.open_hits()
    with pytest.raises(Refused, match=ASKED):
        resume(draft, "a test")
    with pytest.raises(CommandError, match=ASKED):
        call_command("publish", "paid")
    assert Client().get("/").status_code == 200
    call_command("publish", "paid", "--production", "--yes-spend", "500")
    sync(draft)
    assert len(market.payments) == hits


def test_a_raised_budget_is_typed_again(draft, own_endpoint, market):
    publish(draft, "a test", production=True, yes_spend=BUDGET)
    assert not sync(draft).unconfirmed
    Campaign.objects.update(budget=BUDGET + 1)
    assert sync(draft).unconfirmed
    with pytest.raises(CommandError, match=r"budget is \$501.00"):
        call_command("publish", "paid", "--production", "--yes-spend", "500")
    call_command("publish", "paid", "--production", "--yes-spend", "501")
    assert not sync(draft).unconfirmed
