"""kill -9 of web, worker, Postgres, Valkey and commands while studies run; then the invariants.

Small studies go through a stand-in, for MTurk, Prolific or a panel, one after the other: `publish`
publishes them, simulated people do them through the real pages of a real web server, a Celery
worker and `manage.py sync` sync them. Meanwhile the benchmark kills, by turns and at random
moments, whoever is at work, and starts it again. At the end every study must be whole, and have
every answer for which the site has thanked. The last line gives the number of faults found.
"""

import argparse
import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies.killed import PEOPLE, PUBLISHING, PYTHON, SYNCING, Chaos, Program
from benchmarks.studies.plain import PRACTICE, asked, make_dataset
from benchmarks.studies.sides import SIDES, steadily

MOST_PASSES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="kills (50)")
    parser.add_argument("--images", type=int, default=24, help="of each study (24)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crowd", choices=list(SIDES), default="mturk")
    options = parser.parse_args()
    os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="second-look-chaos-"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
    side = SIDES[options.crowd]()
    with side.served(options.seed), _port() as (listener, address):
        os.environ |= side.environment | {"PUBLIC_URL": address}
        wrong = play(options, side, listener, address)
    for text in wrong:
        print(f"WRONG: {text}")
    print(f"{len(wrong)} things are wrong after {options.rounds} kills or more")
    sys.exit(1 if wrong else 0)


@contextlib.contextmanager
def _port() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def play(options, side, listener, address: str) -> list[str]:
    """Run study after study until there were enough kills; return all that is wrong at the end."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from annotation.serving.embedded import running
    from tasks.simulation.rehearsal.checks import lost_answers

    programs = make_programs(settings.DATA_DIR / "log", listener)
    with running(settings.DATA_DIR, durable=True):
        call_command("migrate", verbosity=0)
        dataset = make_dataset(settings.DATA_DIR / "pictures", options.images)
        rounds, seed = options.rounds, options.seed
        chaos = Chaos(programs, settings.DATA_DIR, rounds, seed, side.calls)
        for program in programs.values():
            program.keep()
        chaos.start()
        wrong: list[str] = []
        studies = answers = 0
        try:
            while chaos.is_alive() or not studies:
                campaign = draft(dataset, side, studies, options.crowd)
                side.open(campaign, seed + studies, address)
                study(side, campaign, programs, chaos, seed + studies)
                studies += 1
                thanked = side.crew.thanked
                answers += len(thanked)
                steadily(campaign.refresh_from_db)  # nobody is killed from here on
                found = steadily(lambda one=campaign: side.wrong(one))
                found += steadily(lambda taken=thanked: lost_answers(taken))
                wrong += [f"{campaign.slug}: {text}" for text in found]
                print(f"{campaign.slug}: {chaos.killed.total()} kills so far", flush=True)
        finally:
            chaos.over.set()
            chaos.join()
            for program in programs.values():
                program.kill()
    print(f"{studies} studies, {answers} answers taken, {side.payments()} payments; killed while:")
    print(chaos.told())
    return wrong


def make_programs(log: Path, listener) -> dict[str, Program]:
    """The site's web server and worker, and its commands."""
    log.mkdir(parents=True, exist_ok=True)
    web = [PYTHON, "-m", "gunicorn", "annotation.wsgi", "--bind", f"fd://{listener.fileno()}"]
    web += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    celery = [PYTHON, "-m", "celery", "-A", "annotation", "worker", "--pool", "solo"]
    celery += ["--queues", "default", "--loglevel", "WARNING"]
    commands = {name: Program(name, ["true"], log) for name in ("publish", "sync")}
    return {
        "web": Program("web", web, log, [listener.fileno()]),
        "worker": Program("worker", celery, log),
        **commands,
    }


def draft(dataset, side, number: int, crowd: str):
    """A small study; every other one has a practice, where its crowd can have one."""
    from tasks.models import Campaign

    settings = {
        "name": f"Chaos {number}",
        "dataset": dataset,
        "images": asked(dataset),
        "kind": "contains",
        "crowd": crowd,
        "practice": PRACTICE if side.practises and number % 2 else None,
        "session_minutes": 2,
        "max_share_per_worker": Decimal("0.5"),
        "budget": Decimal(500),
        "workers_per_item": 4,
        "round_size": 2,
        "grid_size": 6,
        "max_sections": 2,
    }
    slug = f"chaos-{number}"
    return steadily(lambda: Campaign.objects.get_or_create(slug=slug, defaults=settings)[0])


def study(side, campaign, programs: dict[str, Program], chaos: Chaos, seed: int) -> None:
    """Run one study from publication to its last payment."""
    from tasks.celery_tasks import sync_campaign
    from tasks.models.campaign import State

    def sync() -> None:
        with chaos.during(SYNCING):
            with contextlib.suppress(Exception):  # Valkey may be away: the command follows anyway
                sync_campaign.apply_async([campaign.pk], expires=5, retry=False)
            programs["sync"].succeed("sync", campaign.slug)

    with chaos.during(PUBLISHING):
        programs["publish"].succeed("publish", campaign.slug)
    for number in range(1, MOST_PASSES):
        with chaos.during(PEOPLE):
            side.work(campaign)
        sync()
        side.let_time_pass(campaign)
        steadily(campaign.refresh_from_db)
        if campaign.state == State.FINISHED:
            side.ends(campaign, sync)
            return
        if number % 5 == 0:
            side.hire(seed)
    raise SystemExit(f"{campaign.slug} does not finish")


if __name__ == "__main__":
    main()
