"""Simulated workers of the marketplace: they preview, accept, do the real page, and misbehave.

Each has habits at seeded rates. What they see and know is as in tasks/simulation/workers.py.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx

from tasks.crowds.mturk.frame import PREVIEW
from tasks.simulation.browsers import PATIENCE, ask_patiently
from tasks.simulation.rehearsal.market import Market, NotAllowed
from tasks.simulation.rehearsal.records import HIT, Assignment
from tasks.simulation.workers import Character, Mind, World, characters
from tasks.simulation.worksheet import worksheet

THREADS = 16


@dataclass(frozen=True)
class Habits:
    """How often a worker does what they should not, or need not, from 0 to 1 each."""

    previews: float = 0.1
    returns: float = 0.03  # accepts, looks, returns it to the marketplace; the site hears nothing
    abandons: float = 0.02  # closes the page and lets the time run out
    forgets: float = 0.02  # answers, and never hands it in
    comes_late: float = 0.02  # answers when the marketplace has taken the work back
    sends_twice: float = 0.05
    hands_in_twice: float = 0.05


BEST = Habits(0, 0, 0, 0, 0, 0, 0)


@dataclass
class Person:
    """One worker."""

    character: Character
    worker_id: str
    rng: random.Random
    done: set[str] = field(default_factory=set)  # HITs that they have tried


def crew(number: int, seed: int = 0, careless: int = 1) -> list[Person]:
    """`number` workers, the same for the same seed; the second is careless."""
    return [
        Person(character, worker_id(seed, place), random.Random(f"{seed} {place}"))
        for place, character in enumerate(characters(number, seed, careless), 1)
    ]


def worker_id(seed: int, place: int) -> str:
    """Letters and digits, as on MTurk, whatever the seed's sign."""
    return f"A{seed}SIM{place:06d}".replace("-", "M")


class Crew:
    """Workers at the site's pages, by way of the marketplace."""

    def __init__(
        self,
        market: Market,
        address: str,
        people: Iterable[Person],
        world_of: Callable[[str], World | None],
        habits: Habits | None = None,
        pictures: bool = True,
    ) -> None:
        """`address`: the marketplace's. `world_of(public_id)`: what a HIT's campaign is about.

        `pictures`: whether they load the pictures too.
        """
        self.market, self.submit_to, self.people = market, address, list(people)
        self.habits = habits or Habits()
        self.pictures = pictures
        self.happened: Counter[str] = Counter()
        self.thanked: set[tuple[str, str]] = set()  # answers that the site has taken; see checks.py
        self._world_of = world_of
        self._stop = threading.Event()
        self._count = threading.Lock()

    def hire(self, number: int, seed: int = 0) -> None:
        """Bring in `number` more workers, careful ones."""
        before = len(self.people)
        self.people += crew(before + number, seed, careless=0)[before:]

    def work(self, progress: Callable[[int], None] | None = None) -> int:
        """Let each worker go once through all open HITs. Returns how many answers were handed in.

        Raises RuntimeError if the site answers as it must not.
        """
        open_hits = {
            hit: self._world_of(self.market.public_id(hit)) for hit in self.market.open_hits()
        }
        worlds = {hit.id: world for hit, world in open_hits.items() if world is not None}
        hits = [hit for hit in open_hits if hit.id in worlds]

        def work_of(person: Person) -> int:
            order = list(hits)
            person.rng.shuffle(order)
            with httpx.Client(timeout=PATIENCE, trust_env=False) as browser:
                return sum(self._day(person, order, worlds, browser, progress))

        before = self.market.clock.now()
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                total = sum(pool.map(work_of, self.people))
            finally:
                self._stop.set()
        self._stop.clear()
        self._settle(before)
        return total

    def _settle(self, before) -> None:
        """Let the time of abandoned assignments run out."""
        longest = max((kind.duration for kind in self.market.types.values()), default=timedelta())
        if any(hit.running(before) for hit in self.market.hits.values()):
            self.market.clock.move(longest + timedelta(minutes=1))

    def _day(self, person: Person, hits, worlds, browser, progress) -> Iterator[int]:
        for hit in hits:
            if self._stop.is_set():
                return
            if hit.id in person.done:
                continue
            if person.rng.random() < self.habits.previews:
                self._see(browser, hit, {"assignmentId": PREVIEW, "hitId": hit.id})
            try:
                accepted = self.market.accept(hit, person.worker_id)
            except NotAllowed:
                continue
            person.done.add(hit.id)
            if self._do(person, accepted, worlds[hit.id], browser):
                if progress is not None:
                    progress(1)
                yield 1

    def _do(
        self, person: Person, assignment: Assignment, world: World, browser: httpx.Client
    ) -> bool:
        """Do one HIT, from its page to handing in. Returns whether it was handed in."""
        parameters = {
            "assignmentId": assignment.id,
            "hitId": assignment.hit.id,
            "workerId": person.worker_id,
            "turkSubmitTo": self.submit_to,
        }
        page = self._see(browser, assignment.hit, parameters)
        if page.status_code != 200:
            person.done.discard(assignment.hit.id)  # another day they may do it
            self._note("was asked to return it")
            self.market.give_up(assignment)
            return False
        if (sheet := worksheet(page.text)) is None:
            return self._hand_in(
                person, assignment, page, browser
            )  # answered before, at an earlier visit
        habit = self._habit(person, "returns", "abandons", "forgets", "comes_late")
        if habit == "returns":
            self.market.give_up(assignment)
            return False
        if habit == "abandons":
            return False
        mind = Mind(person.character, world, self._loader(world, browser, str(page.url)))
        answer: dict[str, list[str]] = {}
        for name, value in mind.fill_in(sheet):
            answer.setdefault(name, []).append(value)
        if habit == "comes_late":
            # As if their time had run out: the next worker gets the place, perhaps this very id.
            self.market.give_up(assignment)
        for _ in range(2 if person.rng.random() < self.habits.sends_twice else 1):
            page = self._ask(browser, "POST", str(page.url), answer)
        if habit == "comes_late" and page.status_code in (200, 409, 410):
            return False  # the marketplace takes nothing from them any more
        if page.status_code != 200:
            raise RuntimeError(f"an answer to {page.url.path}: status {page.status_code}")
        self.thanked.add((person.worker_id, assignment.id))
        return habit != "forgets" and self._hand_in(person, assignment, page, browser)

    def _hand_in(self, person: Person, assignment: Assignment, page, browser: httpx.Client) -> bool:
        form = form_of(page.text)
        if form is None or form.action != f"{self.submit_to}/mturk/externalSubmit":
            raise RuntimeError(f"the page of {assignment.id} does not hand the answer in")
        done = False
        for _ in range(2 if person.rng.random() < self.habits.hands_in_twice else 1):
            handed_in = self._ask(browser, "POST", form.action, form.fields)
            done = handed_in.status_code == 200 or done
        return done

    def _see(self, browser: httpx.Client, hit: HIT, parameters: dict[str, str]) -> httpx.Response:
        return self._ask(browser, "GET", f"{self.market.external_url(hit)}?{urlencode(parameters)}")

    def _ask(self, browser: httpx.Client, method: str, address: str, data=None) -> httpx.Response:
        def noted() -> None:
            self._note("tried again")

        return ask_patiently(browser, method, address, data, self._stop.is_set, noted)

    def _habit(self, person: Person, *names: str) -> str:
        at = person.rng.random()
        for name in names:
            at -= getattr(self.habits, name)
            if at < 0:
                self._note(name)
                return name
        return ""

    def _note(self, what: str) -> None:
        with self._count:
            self.happened[what] += 1

    def _loader(self, world: World, browser: httpx.Client, base: str) -> Callable[[str], bool]:
        def loads(address: str) -> bool:
            if not self.pictures:
                return True
            if address not in world.pictures:
                try:
                    picture = browser.get(str(httpx.URL(base).join(address)))
                    world.pictures[address] = picture.status_code == 200
                except httpx.HTTPError:
                    world.pictures[address] = False
            return world.pictures[address]

        return loads


@dataclass
class Form:
    """A form's address and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


def form_of(html: str) -> Form | None:
    """The only form of a page; None if it has none, or several."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms[0] if len(parser.forms) == 1 else None


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        elif tag == "input" and self.forms and attributes.get("name"):
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
