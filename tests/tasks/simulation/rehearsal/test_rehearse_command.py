"""The command `rehearse`: it plays a campaign through, or serves the stand-in to boto3."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import boto3
import pytest
from django.core.management import CommandError, call_command

from tasks.models import Campaign
from tests.factories import make_awkward_dataset
from tests.studies.processes import free_port

ROOT = Path(__file__).resolve().parents[4]


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


def test_boto3_can_talk_to_it_and_sigterm_ends_it(tmp_path):
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "rehearse", "--port", str(port), "--workers", "2"],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert f"http://127.0.0.1:{port}" in process.stdout.readline()
        client = boto3.client(
            "mturk",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
        )
        assert client.get_account_balance()["AvailableBalance"] == "10000.00"
        with pytest.raises(client.exceptions.RequestError) as refused:
            client.get_hit(HITId="3NOSUCHHIT")
        assert refused.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.HITDoesNotExist"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.stdout.read()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
