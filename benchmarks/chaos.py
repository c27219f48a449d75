"""kill -9 of web, worker, Postgres, Valkey and commands while studies run; then the invariants.

Small studies go through a stand-in, for MTurk or Prolific, one after the other: `publish` publishes
them, simulated workers do them through the real pages of a real web server, a Celery worker and
`manage.py sync` sync them. Meanwhile the benchmark kills one of these processes or servers at
random moments and starts it again. At the end every study must be whole: see `audit`. The last
line gives the number of faults found and of kills.
"""

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
SERVERS_REST = 15.0  # seconds between two kills of servers: the keeper gives up after six a minute


class Program:
    """A process that `keep` starts again whenever it has ended."""

    def __init__(self, name: str, command: list[str], log: Path, pass_fds=()) -> None:
        self.name, self.command, self.pass_fds = name, command, pass_fds
        self.log = log / f"{name}.log"
        self.process: subprocess.Popen | None = None
        self._turn = threading.Lock()  # two threads must not both start it

    def keep(self) -> None:
        with self._turn:
            self._keep()

    def _keep(self) -> None:
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as output:
                self.process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=ROOT,
                    pass_fds=self.pass_fds,
                    start_new_session=True,
                )

    def kill(self) -> bool:
        """Kill the process and its children at once; whether it was running."""
        if self.process is None or self.process.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return True


class Chaos(threading.Thread):
    """Kills one of the programs or servers at random moments."""

    def __init__(self, programs: list[Program], data_dir: Path, rounds: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.programs, self.data_dir, self.rounds = programs, data_dir, rounds
        self.rng = random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.over = threading.Event()
        self.last = -SERVERS_REST  # when a server was killed

    def run(self) -> None:
        while self.killed.total() < self.rounds and not self.over.is_set():
            time.sleep(self.rng.uniform(0.1, 2.5))
            victims = [*self.programs, "postgres", "valkey"]
            victim = self.rng.choice(victims)
            if isinstance(victim, Program):
                self.killed[victim.name] += victim.kill()
            elif time.monotonic() - self.last > SERVERS_REST:
                self.last = time.monotonic()
                self.killed[victim] += self._kill_server(victim)
            for program in self.programs:
                program.keep()

    def _kill_server(self, name: str) -> bool:
        from annotation.serving.embedded.paths import paths_of

        word = {"postgres": "postgres", "valkey": "valkey"}[name]
        folders = str(paths_of(self.data_dir).sockets), str(self.data_dir)
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if (
                command
                and word in Path(command[0]).name
                and any(folder in part for part in command for folder in folders)
            ):
                with contextlib.suppress(psutil.Error):
                    process.kill()
                    return True
        return False


def make_dataset(folder: Path, images: int):
    """Pictures with a classifier's predictions, enough to publish any campaign."""
    from PIL import Image as Picture

    from imagesets.models import Dataset, Image, Label
    from models_inference.models import Classifier, Prediction

    dataset = Dataset.objects.create(slug="chaos", name="Chaos")
    labels = Label.objects.bulk_create(
        Label(dataset=dataset, key=f"n{n}", names=[f"thing {n}"]) for n in range(6)
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for n in range(images):
        path = folder / f"{n}.png"
        Picture.new("RGB", (32, 24), (n * 37 % 256, n * 91 % 256, 99)).save(path)
        rows.append(
            Image(
                dataset=dataset,
                key=f"{n}.png",
                location=str(path),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                width=32,
                height=24,
                dataset_label=labels[n % 6],
            )
        )
    rows = Image.objects.bulk_create(rows)
    classifier = Classifier.objects.create(dataset=dataset, name="one")
    Prediction.objects.bulk_create(
        Prediction(
            classifier=classifier,
            image=image,
            labels=[labels[(n + step) % 6].pk for step in (0, 1)],
            scores=[0.6, 0.3],
        )
        for n, image in enumerate(rows)
    )
    return dataset


def steadily(step, patience: float = 120.0):
    """The result of `step`, repeated while the database is away."""
    from django.db import Error, close_old_connections, connection

    deadline = time.monotonic() + patience
    while True:
        try:
            close_old_connections()
            return step()
        except Error:
            if time.monotonic() > deadline:
                raise
            with contextlib.suppress(Error):
                connection.close()
            time.sleep(0.3)


def command(programs: dict[str, Program], name: str, log: Path, *words: str) -> None:
    """Run a command of manage.py until it succeeds, however often it is killed or fails."""
    program = programs[name]
    program.command = [PYTHON, "manage.py", *words]
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        program.keep()
        assert program.process is not None
        if program.process.wait() == 0:
            program.command = ["true"]
            return
        time.sleep(0.3)
    raise SystemExit(f"{' '.join(words)} does not succeed: see {program.log}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="kills (50)")
    parser.add_argument("--images", type=int, default=24, help="of each study (24)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crowd", choices=["mturk", "prolific"], default="mturk")
    options = parser.parse_args()
    os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="second-look-chaos-"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"

    from tasks.simulation.rehearsal.faults import Faults
    from tasks.simulation.rehearsal.market import Market
    from tasks.simulation.rehearsal.prolific.market import ProlificMarket
    from tasks.simulation.rehearsal.prolific.server import serving_prolific
    from tasks.simulation.rehearsal.server import serving

    faults = Faults(throttled=0.01, failed=0.01, lost=0.01, dropped=0.02, unclear=0.01)
    if options.crowd == "prolific":
        standing = serving_prolific(ProlificMarket(currency="USD"), faults, options.seed)
    else:
        standing = serving(Market(), faults, options.seed)
    with standing as server, _port() as (listener, address):
        os.environ |= {"MTURK_ENDPOINT_URL": server.address, "PUBLIC_URL": address}
        os.environ |= {"PROLIFIC_API_URL": server.address, "PROLIFIC_API_TOKEN": "chaos"}
        wrong = play(options, server, listener)
    print(f"{len(wrong)} things are wrong after {options.rounds} kills or more")
    sys.exit(1 if wrong else 0)


@contextlib.contextmanager
def _port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def play(options, server, listener) -> list[str]:
    """Run study after study until there were enough kills; return all that is wrong at the end."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from annotation.serving.embedded import running
    from tasks.simulation.rehearsal.audit import audit
    from tasks.simulation.rehearsal.people import Habits
    from tasks.simulation.rehearsal.prolific.audit import audit_sessions
    from tasks.simulation.rehearsal.prolific.people import SessionHabits
    from tasks.simulation.rehearsal.prolific.stage import ProlificStage
    from tasks.simulation.rehearsal.stage import Stage

    by_session = options.crowd == "prolific"
    look = audit_sessions if by_session else audit
    log = settings.DATA_DIR / "log"
    log.mkdir(parents=True, exist_ok=True)
    web = [PYTHON, "-m", "gunicorn", "annotation.wsgi", "--bind", f"fd://{listener.fileno()}"]
    web += ["--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    celery = [PYTHON, "-m", "celery", "-A", "annotation", "worker", "--pool", "solo"]
    celery += ["--queues", "default", "--loglevel", "WARNING"]
    programs = {
        "web": Program("web", web, log, [listener.fileno()]),
        "worker": Program("worker", celery, log),
        "publish": Program("publish", ["true"], log),
        "sync": Program("sync", ["true"], log),
    }
    with running(settings.DATA_DIR, durable=True):
        call_command("migrate", verbosity=0)
        dataset = make_dataset(settings.DATA_DIR / "pictures", options.images)
        chaos = Chaos(list(programs.values()), settings.DATA_DIR, options.rounds, options.seed)
        for program in programs.values():
            program.keep()
        chaos.start()
        wrong: list[str] = []
        studies = []
        try:
            stage = ProlificStage(server) if by_session else Stage(server)
            habits = SessionHabits() if by_session else Habits()
            while chaos.is_alive() or not studies:
                studies.append(study(stage, dataset, len(studies), programs, log, habits, options))
            chaos.join()
            for campaign in studies:
                wrong += [
                    f"{campaign.slug}: {text}"
                    for text in steadily(lambda one=campaign: patiently(look, one, server.market))
                ]
        finally:
            chaos.over.set()
            chaos.join()
            for program in programs.values():
                program.kill()
    for text in wrong:
        print(f"WRONG: {text}")
    kills = ", ".join(f"{name} {number}" for name, number in sorted(chaos.killed.items()))
    print(f"{len(studies)} studies, {len(server.market.payments)} payments; killed: {kills}")
    return wrong


def patiently(look, campaign, market) -> list[str]:
    """What is wrong with a study, although some of the questions go wrong on the way."""
    from tasks.crowds import CrowdError

    for _ in range(20):
        try:
            return look(campaign, market)
        except CrowdError as error:
            last = error
    raise last


def study(stage, dataset, number: int, programs, log: Path, habits, options):
    """Run one study from publication to its last payment."""
    from decimal import Decimal

    seed, by_session = options.seed, options.crowd == "prolific"
    from tasks.celery_tasks import sync_campaign
    from tasks.models import Campaign
    from tasks.models.campaign import State

    campaign = steadily(
        lambda: Campaign.objects.get_or_create(
            slug=f"chaos-{number}",
            defaults={
                "name": f"Chaos {number}",
                "dataset": dataset,
                "kind": "contains",
                "crowd": options.crowd,
                "session_minutes": 2,
                "max_share_per_worker": Decimal("0.5"),
                "budget": Decimal(500),
                "workers_per_item": 4,
                "round_size": 2,
                "grid_size": 6,
                "max_sections": 2,
            },
        )[0]
    )
    command(programs, "publish", log, "publish", campaign.slug)
    people = stage.crew(7, seed + number, habits=habits, careless=0, pictures=False)
    passes = 0
    while True:
        passes += 1
        steadily(people.work)
        with contextlib.suppress(Exception):  # Valkey may be away: `manage.py sync` follows anyway
            sync_campaign.apply_async([campaign.pk], expires=5, retry=False)
        command(programs, "sync", log, "sync", campaign.slug)
        if by_session:
            let_time_pass(stage, campaign, people)
        steadily(campaign.refresh_from_db)
        if campaign.state == State.FINISHED:
            command(programs, "sync", log, "sync", campaign.slug)
            for _ in range(10 if by_session else 0):  # bonuses arrive a moment later
                if not steadily(campaign.payments.filter(state="due").exists):
                    break
                steadily(people.work)
                let_time_pass(stage, campaign, people)
                command(programs, "sync", log, "sync", campaign.slug)
            return campaign
        if passes % 5 == 0:
            people.hire(3, seed + number)
        if passes > 60:
            raise SystemExit(f"{campaign.slug} does not finish")


def let_time_pass(stage, campaign, people) -> None:
    """Where somebody has gone away in the middle: let their time run out, there and on the site."""
    from tasks.simulation.rehearsal.prolific.records import RUNNING
    from tasks.simulation.rehearsal.prolific.stage import pass_time

    waiting = any(s.status in RUNNING for s in stage.market.submissions.values())
    if waiting or steadily(campaign.payments.filter(state="due").exists):
        by = people.let_time_pass()
        steadily(lambda: pass_time(campaign, by))


if __name__ == "__main__":
    main()
