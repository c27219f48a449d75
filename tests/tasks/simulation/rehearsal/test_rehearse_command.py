"""The command `rehearse`: it plays a campaign through, and says what it would cost."""

import io
import socket
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Campaign
from tests.factories import make_awkward_dataset
from tests.studies.prolific_stand_in import draft_for_prolific


@pytest.mark.django_db(transaction=True)
def test_a_campaign_is_played_through_and_its_price_shown(tmp_path):
    campaign = Campaign.objects.create(
        name="Rehearsed",
        dataset=make_awkward_dataset(tmp_path),
        kind="contains",
        crowd="mturk",
        budget=Decimal(100),
        workers_per_item=3,
        round_size=3,
        grid_size=4,
        max_sections=3,
    )
    out = io.StringIO()
    words = ("--campaign", campaign.slug, "--port", "0", "--workers", "6")
    call_command("rehearse", *words, stdout=out, verbosity=0)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    output = out.getvalue()
    spent = sum(payment.amount for payment in campaign.payments.all())
    assert f"${spent:.2f}" in output
    assert "of a budget of $100.00" in output
    assert max(map(len, output.splitlines())) <= 80
    with pytest.raises(CommandError, match="nothing to rehearse"):
        call_command("rehearse", *words, stdout=out, verbosity=0)


@pytest.mark.django_db
def test_a_port_in_use_is_one_line():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CommandError, match="choose another with --port"),
    ):
        call_command("rehearse", "--port", str(taken.getsockname()[1]), "--workers", "0")


@pytest.mark.django_db(transaction=True)
def test_a_campaign_of_sessions_is_played_through_and_its_price_shown(tmp_path):
    campaign = draft_for_prolific(make_awkward_dataset(tmp_path), grid_size=4, max_sections=3)
    out = io.StringIO()
    words = ("--campaign", campaign.slug, "--port", "0", "--workers", "6")
    call_command("rehearse", *words, stdout=out, verbosity=0)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    spent = sum(payment.amount for payment in campaign.payments.all())
    assert f"${spent:.2f}" in out.getvalue()
