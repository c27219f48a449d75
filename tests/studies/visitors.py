"""People at a campaign's door: each a browser of their own, at an address of their own."""

import re
from urllib.parse import parse_qsl

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from tasks.crowds.local.invitations import make
from tasks.models import Campaign, Worker
from tasks.simulation.worksheet import worksheet
from tests.studies.odd_pictures import fields_of


def door(campaign: Campaign) -> str:
    """The campaign's address, without an invitation."""
    return reverse("tasks:campaign", args=[campaign.public_id])


def invite(campaign: Campaign, **options: int | None) -> str:
    """The link of one new invitation."""
    return make(campaign, "a test", **options)[0].path


def visit(address: str, browser: HttpResponse | None = None) -> HttpRequest:
    """The request of a visit, in a new browser or in one that keeps this response's cookies."""
    request = RequestFactory().get(address)
    request.user = AnonymousUser()
    for name, morsel in (browser.cookies if browser is not None else {}).items():
        request.COOKIES[name] = morsel.value
    return request


def begin(link: str, client: Client | None = None, at: str = "127.0.0.1") -> HttpResponse:
    """Press "Begin" on the page of a link: in this browser, or in a new one."""
    path, _, query = link.partition("?")
    return (client or Client()).post(path, dict(parse_qsl(query)), REMOTE_ADDR=at)


def is_at_work(response: HttpResponse) -> bool:
    """Whether the answer to "Begin" leads to a HIT."""
    return response.status_code == 303 and response["Location"].startswith("/hit/")


def begun(link: str, client: Client, at: str = "127.0.0.1") -> Worker:
    """Begin, and say as whom."""
    response = begin(link, client, at)
    assert is_at_work(response), response.content.decode()
    token = re.search(r"assignmentId=([\w-]+)", response["Location"])[1]
    return Worker.objects.get(assignments__token=token)


def answer_one(client: Client, response: HttpResponse, **fields: str) -> HttpResponse:
    """Answer the HIT that a response leads to: "none of these" throughout, and these fields."""
    address = response["Location"]
    sheet = worksheet(client.get(address).content.decode())
    data: dict[str, list[str]] = {}
    for name, value in fields_of(sheet):
        data.setdefault(name, []).append(value)
    return client.post(address, data | fields)


def says(response: HttpResponse) -> str:
    """The sentence by which a page refuses, its white space made single."""
    return " ".join(response.content.decode().split())
