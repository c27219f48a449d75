"""A panel's campaign, and the people whom the panel sends, each in a browser of their own."""

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from imagesets.models import Dataset
from tasks.campaigns.publish import publish
from tasks.models import Campaign, Session
from tasks.simulation.worksheet import begin_form, way_on, worksheet
from tests.studies.odd_pictures import fields_of

CODES = {"done": "DONE1", "screened_out": "OUT2", "no_consent": "NO3", "no_work": "NONE4"}
PANEL = {
    "id_param": "pid",
    "session_param": "sid",
    "completion_url": "https://panel.example/back?who={id}&of={session}&cc={code}",
    "codes": CODES,
    "id_pattern": None,
    "ids": None,
}


def draft_panel(dataset: Dataset, panel: dict[str, Any] | None = None, **settings: Any) -> Campaign:
    """A draft whose sessions have two of its HITs each, at $0.25 a minute."""
    defaults: dict[str, Any] = {
        "name": "For a panel",
        "slug": "for-a-panel",
        "kind": "contains",
        "crowd": "panel",
        "budget": Decimal(100),
        "contact": "Ada Lovelace, ada@lab.example",
        "workers_per_item": 3,
        "round_size": 3,
        "max_sections": 3,
        "grid_size": 12,
        "session_minutes": 1,
        "max_share_per_worker": Decimal(1),
    }
    return Campaign.objects.create(
        **(defaults | settings), panel=PANEL | (panel or {}), dataset=dataset
    )


def open_panel(dataset: Dataset, panel: dict[str, Any] | None = None, **settings: Any) -> Campaign:
    """The draft, published with its whole budget typed."""
    campaign = draft_panel(dataset, panel, **settings)
    publish(campaign, "a test", production=True, yes_spend=campaign.budget)
    campaign.refresh_from_db()
    return campaign


class Person:
    """Somebody of the panel in a browser; `page` is what they see."""

    def __init__(
        self, campaign: Campaign, name: str, session: str | None = None, cookies: bool = True
    ) -> None:
        self.campaign, self.name, self.cookies = campaign, name, cookies
        self.session = session or f"session-{name}"
        self.client = Client()
        self.address = ""
        self.page = HttpResponse()

    @property
    def link(self) -> str:
        """The address by which the panel sends them."""
        address = reverse("tasks:campaign", args=[self.campaign.public_id])
        panel = self.campaign.panel
        query = f"{panel['id_param']}={self.name}"
        if panel["session_param"]:
            query += f"&{panel['session_param']}={self.session}"
        return f"{address}?{query}"

    @property
    def html(self) -> str:
        """The page, its white space made single."""
        return " ".join(self.page.content.decode().split())

    @property
    def record(self) -> Session:
        """The site's own record of their session."""
        return Session.objects.get(campaign=self.campaign, key=self.session)

    def open(self, address: str) -> "Person":
        """Open an address as a browser does, redirects included."""
        return self._arrive(self._client().get(address), address)

    def come(self) -> "Person":
        """Follow the panel's link."""
        return self.open(self.link)

    def begin(self) -> "Person":
        """Come, and press the button if there is one."""
        return self.come().press_begin()

    def press_begin(self) -> "Person":
        """Press "Begin" if the page has it."""
        form = begin_form(self.html)
        if form is not None:
            action = form.action or self.address
            self._arrive(self._client().post(action, dict(form.hidden)), action)
        return self

    @property
    def is_at_work(self) -> bool:
        return self.address.startswith("/hit/")

    def answer(self) -> "Person":
        """Answer the HIT on the page: "none of these" throughout."""
        assert self.is_at_work, self.html
        data: dict[str, list[str]] = {}
        for name, value in fields_of(worksheet(self.page.content.decode())):
            data.setdefault(name, []).append(value)
        return self._arrive(self._client().post(self.address, data), self.address)

    def press(self, name: str) -> "Person":
        """Press a button of the page's form that goes on."""
        form = way_on(self.page.content.decode())
        assert form is not None, self.html
        value = dict(form.buttons)[name]
        response = self._client().post(self.address, {**dict(form.hidden), name: value})
        return self._arrive(response, self.address)

    def work(self) -> "Person":
        """Begin and answer until the session's page or its end."""
        self.begin()
        while self.is_at_work:
            self.answer()
        return self

    @property
    def can(self) -> list[str]:
        """The buttons of the form that goes on."""
        form = way_on(self.page.content.decode())
        return [name for name, _ in form.buttons] if form is not None else []

    def _client(self) -> Client:
        if not self.cookies:
            self.client.cookies.clear()
        return self.client

    def _arrive(self, response: HttpResponse, address: str) -> "Person":
        while response.status_code == 303:
            address = response["Location"]
            response = self._client().get(address)
        self.page, self.address = response, address
        return self


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))
