"""The crowds' sides of studies under kills: a stand-in, its people, what must hold at the end."""

import contextlib
import csv
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")
PATIENCE = 120.0  # seconds until the database is back
PEOPLE = 7
BONUSES = 10  # syncs until the last bonuses have arrived


def steadily(step: Callable[[], Result], patience: float = PATIENCE) -> Result:
    """The result of `step`, repeated while the database or a stand-in's answer is away."""
    from django.db import Error, close_old_connections, connection

    from tasks.crowds import CrowdError

    deadline = time.monotonic() + patience
    while True:
        try:
            close_old_connections()
            return step()
        except (Error, CrowdError):
            if time.monotonic() > deadline:
                raise
            with contextlib.suppress(Error):
                connection.close()
            time.sleep(0.3)


def faults():
    """Now and then something goes wrong; many answers are slow, so that kills fall into calls."""
    from tasks.simulation.rehearsal.faults import Faults

    return Faults(
        throttled=0.01,
        failed=0.01,
        lost=0.01,
        dropped=0.02,
        unclear=0.01,
        slow=0.4,
        slow_seconds=0.3,
    )


class Side:
    """What the studies of any crowd need; most have a server with a market."""

    environment: dict[str, str]
    practises = True
    server: Any
    crew: Any

    def served(self, seed: int) -> contextlib.AbstractContextManager[None]:
        """The stand-in, until the block ends; `environment` leads the site to it."""
        raise NotImplementedError

    def open(self, campaign: Any, seed: int, address: str) -> None:
        """Hire people for a campaign that is to be published, on the site at `address`."""
        raise NotImplementedError

    def wrong(self, campaign: Any) -> list[str]:
        """Everything that is wrong after a finished study."""
        raise NotImplementedError

    def calls(self) -> tuple[int, str]:
        """How many calls the stand-in has heard, and the last one."""
        market = self.server.market
        return sum(market.calls.values()), market.last_call

    def work(self, campaign: Any) -> None:
        """Let the people work once."""
        steadily(self.crew.work)

    def let_time_pass(self, campaign: Any) -> None:
        """Let the time run out of whoever has gone away."""

    def hire(self, seed: int) -> None:
        self.crew.hire(3, seed)

    def ends(self, campaign: Any, sync: Callable[[], None]) -> None:
        """See the campaign, which has its answers, through to its last payment."""
        sync()

    def payments(self) -> int:
        return len(self.server.market.payments)


class MTurk(Side):
    """A marketplace of HITs, whose people let time pass as they work."""

    practises = False

    @contextlib.contextmanager
    def served(self, seed: int) -> Iterator[None]:
        from tasks.simulation.rehearsal.market import Market
        from tasks.simulation.rehearsal.server import serving

        with serving(Market(), faults(), seed) as self.server:
            self.environment = {"MTURK_ENDPOINT_URL": self.server.address}
            yield

    def open(self, campaign: Any, seed: int, address: str) -> None:
        from tasks.simulation.rehearsal.stage import Stage

        self.crew = Stage(self.server).crew(PEOPLE, seed, careless=0, pictures=False)

    def wrong(self, campaign: Any) -> list[str]:
        from tasks.simulation.rehearsal.audit import audit

        return audit(campaign, self.server.market)


class Prolific(Side):
    """A marketplace of sessions."""

    @contextlib.contextmanager
    def served(self, seed: int) -> Iterator[None]:
        from tasks.simulation.rehearsal.prolific.market import Features, ProlificMarket
        from tasks.simulation.rehearsal.prolific.server import serving_prolific

        market = ProlificMarket(currency="USD", features=Features(fixed_screen_out=bool(seed % 2)))
        with serving_prolific(market, faults(), seed) as self.server:
            self.environment = {"PROLIFIC_API_URL": self.server.address}
            self.environment |= {"PROLIFIC_API_TOKEN": "chaos"}
            yield

    def open(self, campaign: Any, seed: int, address: str) -> None:
        from tasks.simulation.rehearsal.prolific.stage import ProlificStage

        careless = 2 if campaign.practice else 0
        stage = ProlificStage(self.server)
        self.crew = stage.crew(PEOPLE, seed, careless=careless, pictures=False)

    def let_time_pass(self, campaign: Any) -> None:
        from tasks.simulation.rehearsal.prolific.records import RUNNING
        from tasks.simulation.rehearsal.prolific.stage import pass_time

        submissions = self.server.market.submissions.values()
        if any(s.status in RUNNING for s in submissions) or _owes(campaign):
            by = self.crew.let_time_pass()
            steadily(lambda: pass_time(campaign, by))

    def ends(self, campaign: Any, sync: Callable[[], None]) -> None:
        sync()
        for _ in range(BONUSES):  # they arrive a moment later
            if not _owes(campaign):
                return
            self.work(campaign)
            self.let_time_pass(campaign)
            sync()

    def wrong(self, campaign: Any) -> list[str]:
        from tasks.simulation.rehearsal.prolific.audit import audit_sessions

        return audit_sessions(campaign, self.server.market)


class Panel(Side):
    """A panel for each study, which pays by the table of payments; it has no API to fail."""

    @contextlib.contextmanager
    def served(self, seed: int) -> Iterator[None]:
        self.environment = {}
        self.paid = 0
        with contextlib.ExitStack() as self.panels:
            yield

    def calls(self) -> tuple[int, str]:
        return 0, ""

    def open(self, campaign: Any, seed: int, address: str) -> None:
        from tasks.simulation.rehearsal.panel import panel_serving
        from tasks.simulation.rehearsal.panel_people import send_to

        self.panel, self.seed = self.panels.enter_context(panel_serving()), seed
        self.crew, self.address = None, address
        steadily(lambda: send_to(self.panel, campaign, address))

    def work(self, campaign: Any) -> None:
        from tasks.simulation.rehearsal.panel_people import Habits, crew_for
        from tasks.simulation.simulate import Tally

        if self.crew is None:  # what its people know follows from what was published
            options = {"habits": Habits(comes_late=0), "careless": 3, "pictures": False}
            self.crew = steadily(
                lambda: crew_for(self.panel, campaign, self.address, self.seed, **options)
            )
        tally = steadily(lambda: Tally(campaign, None))
        self.crew.send(PEOPLE, tally)

    def let_time_pass(self, campaign: Any) -> None:
        steadily(self.crew.let_time_pass)

    def hire(self, seed: int) -> None:
        """Somebody new comes each time."""

    def wrong(self, campaign: Any) -> list[str]:
        from tasks.simulation.rehearsal.panel_audit import audit_panel, pay_by_table

        rows = pay_by_table(campaign, self.panel, lambda: table_of_payments(campaign))
        self.paid += len(rows)
        return audit_panel(campaign, self.panel, rows)

    def payments(self) -> int:
        return self.paid


SIDES: dict[str, type[Side]] = {"mturk": MTurk, "prolific": Prolific, "panel": Panel}


def _owes(campaign: Any) -> bool:
    return steadily(campaign.payments.filter(state="due").exists)


def table_of_payments(campaign: Any) -> list[dict[str, str]]:
    """The rows of the table that the researcher uploads to a panel."""
    from django.conf import settings
    from django.core.management import call_command

    file = settings.DATA_DIR / "payments.csv"
    call_command("export", campaign.slug, "payments", "--raw-workers", "--out", str(file))
    return list(csv.DictReader(file.read_text().splitlines()))
