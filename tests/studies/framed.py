"""A worker's browser at the marketplace: a HIT's page in a frame, and what is handed in."""

from urllib.parse import urlencode, urlsplit

from django.test import Client

from tasks.simulation.rehearsal.people import form_of
from tasks.simulation.worksheet import worksheet
from tests.studies.odd_pictures import fields_of


class Frame:
    """One worker's browser at the marketplace: a frame, and no cookie in it."""

    def __init__(self, market, server, worker: str, hit=None, **changes: str) -> None:
        """`hit`: the marketplace's, by default its only one; `changes`: of the page's address."""
        if hit is None:
            (hit,) = market.hits.values()
        self.accepted = market.accept(hit, worker)
        self.market = market
        self.parameters = {
            "assignmentId": self.accepted.id,
            "hitId": hit.id,
            "workerId": worker,
            "turkSubmitTo": server.address,
        } | changes
        self.path = urlsplit(market.external_url(hit)).path

    def open(self, **changes: str):
        return Client(enforce_csrf_checks=True).get(
            f"{self.path}?{urlencode(self.parameters | changes)}"
        )

    def send(self, page, choose=None, with_query: bool = True, accept="*/*", **changes: str):
        """Post the page's form with these changes; a field changed to "" is left out."""
        data: dict[str, list[str]] = {}
        for name, value in fields_of(worksheet(page.content.decode()), choose):
            data.setdefault(name, []).append(value)
        data |= {name: [value] for name, value in changes.items()}
        data = {name: values for name, values in data.items() if values != [""]}
        address = f"{self.path}?{urlencode(self.parameters)}" if with_query else self.path
        return Client(enforce_csrf_checks=True).post(address, data, headers={"accept": accept})


def first(question):
    """Check the first option, and make it the main object if the question asks for one."""
    chosen = question.options[0]
    return [chosen, *(o for o in question.named("main-") if o.value == chosen.value)]


def hand_in(frame, response):
    """The form of the page, sent on to the marketplace."""
    form = form_of(response.content.decode())
    assert set(form.fields) == {"assignmentId", "answer"}
    return frame.market.hand_in(form.fields["assignmentId"], list(form.fields.items()))
