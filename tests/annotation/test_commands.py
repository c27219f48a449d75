"""The commands on campaigns and tokens, as a shell runs them: exit codes, streams, bytes."""

import contextlib

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from annotation.exports import Export
from annotation.serving.command_line import run
from imagesets.locks import Lock
from tasks.models import Campaign
from tests.factories import (
    make_awkward_dataset,
    make_campaign,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.panels import draft_panel


@pytest.fixture
def dataset(db, tmp_path):
    return make_awkward_dataset(tmp_path / "pictures")


def said(capsys) -> str:
    return capsys.readouterr().out


def test_a_campaign_by_commands(dataset, capsys):
    campaign = Campaign.objects.create(
        name="Grid", dataset=dataset, kind="contains", workers_per_item=2, grid_size=4
    )
    call_command("publish", "grid")
    assert "Campaign grid is open: 7 images" in said(capsys)
    call_command("pause", "grid", "--why", "lunch")
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    with pytest.raises(CommandError, match="never aggregated"):
        call_command("export", "grid", "selection_frequencies")
    call_command("publish", "grid")
    campaign.refresh_from_db()
    assert campaign.state == "open"
    work_through(campaign, make_workers(1), random_answers())
    call_command("aggregate", "grid")
    assert "1 workers" in said(capsys)
    call_command("close", "grid")
    assert f"{campaign.hits.count()} answers are missing" in said(capsys)
    with pytest.raises(CommandError, match="Campaign grid is closed"):
        call_command("publish", "grid")
    assert campaign.transitions.filter(why="lunch", who__endswith="(terminal)").exists()


@pytest.mark.parametrize(
    ("open_to", "public_url", "says"),
    [
        ("anyone", "https://look.example", "Anyone may begin at https://look.example/tasks/"),
        ("invited", "https://look.example", "`manage.py invite grid --count N`"),
        ("anyone", "", "Anyone may begin at http://127.0.0.1:8000/tasks/"),
    ],
)
def test_publishing_says_where_people_begin(dataset, capsys, settings, open_to, public_url, says):
    settings.PUBLIC_URL = public_url
    campaign = Campaign.objects.create(
        name="Grid", dataset=dataset, kind="contains", grid_size=4, open=open_to
    )
    call_command("publish", "grid")
    told = said(capsys)
    assert says in told
    assert f"{public_url}/tasks/{campaign.public_id}/" in told
    assert ("PUBLIC_URL says where others reach it" in told) is (not public_url)


def test_publishing_says_how_many_sessions_a_panel_is_asked_for(dataset, capsys):
    campaign = draft_panel(dataset, grid_size=4)
    call_command("publish", campaign.slug, production=True, yes_spend=campaign.budget)
    campaign.refresh_from_db()
    answers = campaign.hits.count() * 3
    sessions = -(-answers // campaign.session_hits)
    assert f"all {answers} answers in {sessions} sessions $" in said(capsys)


def test_a_campaign_that_does_not_exist_is_told_with_the_one_that_was_meant(dataset):
    make_campaign(dataset, slug="my-grid")
    with pytest.raises(CommandError, match=r"no campaign My_Grid\. Did you mean my-grid\?"):
        call_command("publish", "My_Grid")


@pytest.mark.parametrize("command", ["publish", "pause", "close", "aggregate"])
def test_an_unknown_campaign_is_named(db, command):
    with pytest.raises(CommandError, match="There is no campaign nowhere"):
        call_command(command, "nowhere")


def test_what_is_missing_is_said_at_once(dataset, capsys):
    dataset.classifiers.all().delete()
    Campaign.objects.create(name="Grid", dataset=dataset, kind="contains")
    with pytest.raises(CommandError, match="no predictions"):
        call_command("publish", "grid")
    assert Campaign.objects.get().state == "draft"


def test_tokens_open_the_api(db, capsys):
    with pytest.raises(CommandError, match="no user ada: to make one, add --role or --superuser"):
        call_command("api_token", "ada")
    assert not get_user_model().objects.exists()
    call_command("api_token", "ada", "--role", "viewer")
    token = said(capsys).strip()
    assert token.isalnum()
    client = Client(headers={"authorization": f"Token {token}"})
    assert client.get("/api/datasets/").status_code == 200
    ada = get_user_model().objects.get(username="ada")
    assert (ada.is_staff, ada.is_superuser) == (False, False)
    assert not ada.has_usable_password()
    call_command("api_token", "ada", "--superuser")
    ada.refresh_from_db()
    assert ada.is_superuser
    get_user_model().objects.create(username="guest")
    call_command("api_token", "guest")
    assert "guest has no role yet" in capsys.readouterr().err
    with pytest.raises(CommandError, match="a b"):
        call_command("api_token", "a b", "--role", "viewer")
    assert not get_user_model().objects.filter(username="a b").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("publich", "Unknown command: 'publich'"),
        ("up --prot 8001", "unrecognized arguments: --prot 8001"),
        ("sync", "the following arguments are required: CAMPAIGN"),
    ],
)
def test_wrong_usage_starts_no_servers(monkeypatch, settings, capfd, line, says):
    settings.EMBEDDED_SERVERS = True
    monkeypatch.setattr("annotation.serving.embedded.running", lambda folder: pytest.fail(folder))
    assert run(["manage.py", *line.split()]) == 2
    assert says in capfd.readouterr().err


def test_migrations_take_turns(db, monkeypatch):
    """`up` and a command begun beside it had both created the same tables."""
    tried = []

    def handle(*args, **options):
        with contextlib.closing(connection.copy()) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [Lock.MIGRATION])
            tried.append(cursor.fetchone()[0])

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", handle)
    call_command("migrate")
    assert tried == [False]


def test_a_database_of_another_version_is_told_so(transactional_db, settings, capfd):
    settings.EMBEDDED_SERVERS = False  # which migrate by themselves
    recorder = MigrationRecorder(connection)
    last = recorder.migration_qs.filter(app="tasks").latest("name").name
    connection.cursor().execute("ALTER TABLE tasks_campaign RENAME TO older")
    recorder.record_unapplied("tasks", last)
    try:
        assert run(["manage.py", "sync", "grid"]) == 1
    finally:
        connection.cursor().execute("ALTER TABLE older RENAME TO tasks_campaign")
        recorder.record_applied("tasks", last)
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "run `manage.py migrate` first" in error


def test_a_full_disk_of_the_database_is_one_line(monkeypatch, db, capfd):
    class DiskFull(Exception):
        pgcode = "53100"

    def fail(slug: str) -> None:
        raise OperationalError("could not extend file:\nNo space left on device") from DiskFull()

    monkeypatch.setattr("tasks.management.campaign_command.campaign_named", fail)
    assert run(["manage.py", "sync", "grid"]) == 1
    said = "Error: The database cannot go on: could not extend file: No space left on device\n"
    assert capfd.readouterr().err == said


def test_streams_and_exit_codes(start, tmp_path, capfdbinary):
    campaign = make_campaign(make_awkward_dataset(tmp_path / "pictures"), slug="grid")
    work_through(campaign, make_workers(1), random_answers())
    rows = b"".join(Export(campaign, "judgments", "jsonl"))
    process = start("manage.py", "export", "grid", "judgments", "--format", "jsonl")
    output, error = process.communicate(timeout=120)
    assert (process.returncode, error, output.encode()) == (0, "", rows)

    def shell(*arguments: str) -> tuple[int, bytes, bytes]:
        return (run(["manage.py", *arguments]), *capfdbinary.readouterr())

    assert shell("export", "grid", "judgments", "--format", "jsonl") == (0, rows, b"")
    code, output, error = shell("export", "grid", "annotations")
    assert (code, output, error.count(b"\n")) == (1, b"", 1)
    assert b"Error: annotations is a table of classify campaigns" in error
    assert shell("export", "grid", "judgments", "--format", "xml")[0] == 2
    code, output, error = shell("api_token", "bob", "--role", "viewer")
    assert (code, error) == (0, b"")
    assert output.strip().isalnum()
    assert b"person-0@example.org" in shell("export", "grid", "judgments", "--raw-workers")[1]
