"""A command started with SIGINT ignored, like a script's background job, ends on its signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import psutil
import pytest

from tests.studies.embedded_servers import PROJECT, assert_nothing_left, processes_of, the
from tests.studies.processes import free_port


def ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def rehearse(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A running `rehearse`, which serves until a signal ends it, with servers of its own."""
    port = free_port()
    command = subprocess.Popen(
        [sys.executable, "manage.py", "rehearse", "--workers", "0", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(folder)},
        preexec_fn=ignore_interrupts,
    )
    assert command.stdout is not None
    address = f"http://127.0.0.1:{port}"
    assert f"The rehearsal of MTurk is at {address}" in command.stdout.readline()
    return command, address


def test_a_command_and_its_keeper_end_on_their_signals_and_leave_nothing(fresh: Path) -> None:
    for signum, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        command, address = rehearse(fresh)
        if signum == signal.SIGTERM:
            check_with_boto3(address)
        command.send_signal(signum)
        _, errors = command.communicate(timeout=60)
        assert (command.returncode, "Traceback" in errors) == (code, False)
        assert_nothing_left(fresh)
    command, _ = rehearse(fresh)
    processes = processes_of(fresh)
    servers = processes["postgres"] + processes["valkey"]
    the("keeper", fresh).send_signal(signal.SIGINT)  # takes the servers along
    assert psutil.wait_procs(servers, timeout=60)[1] == []
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    assert_nothing_left(fresh)


def check_with_boto3(address: str) -> None:
    """What a client that is not ours sees of the stand-in."""
    client = boto3.client(
        "mturk",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"
    with pytest.raises(client.exceptions.RequestError) as refused:
        client.get_hit(HITId="3NOSUCHHIT")
    assert refused.value.response["TurkErrorCode"] == "AWS.MechanicalTurk.HITDoesNotExist"
