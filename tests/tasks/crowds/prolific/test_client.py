"""The client of Prolific: what is asked again, what is not, and what an error shows."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from annotation.serving.variable_values import private_api
from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import Client, RequestRefused, Unclear, client
from tasks.simulation.rehearsal.prolific.server import ProlificServer
from tests.studies.prolific_stand_in import STUDY, TOKEN, published


@pytest.mark.parametrize("fault", ["throttled", "failed", "lost", "dropped", "unclear", "page"])
def test_a_read_is_asked_again_whatever_went_wrong(prolific, api, fault):
    prolific.trouble.next = [fault, fault]
    assert api.read("/studies/") == {"results": []}


@pytest.mark.parametrize("fault", ["failed", "lost", "dropped", "unclear", "page"])
def test_what_changes_something_is_asked_once(prolific, market, api, fault):
    prolific.trouble.next = [fault]
    with pytest.raises(Unclear):
        api.send("POST", "/studies/", STUDY)
    assert len(market.studies) == (fault in ("dropped", "unclear"))


def test_only_a_busy_service_is_asked_to_change_something_again(prolific, market, api):
    prolific.trouble.next = ["throttled", "throttled"]
    api.send("POST", "/studies/", STUDY)
    assert len(market.studies) == 1


@pytest.mark.parametrize("fault", ["throttled", "failed", "lost", "page"])
def test_what_never_passes_is_one_line(prolific, api, fault):
    prolific.trouble.next = [fault] * 20
    with pytest.raises(CrowdError) as failed:
        api.read("/studies/")
    assert "\n" not in str(failed.value)
    assert prolific.address in str(failed.value)


def test_every_submission_is_read_whatever_size_the_pages_have(market, api, monkeypatch):
    study = published(market, api, total_available_places=50)
    taken = {market.take(study, f"{number:024x}").id for number in range(45)}
    read = Client.read
    monkeypatch.setattr(
        Client, "read", lambda self, path, **given: read(self, path, **given | {"page_size": 20})
    )
    assert {row["id"] for row in api.rows("/submissions/", study=study.id)} == taken
    assert market.calls["list submissions"] == 4  # the last is of a page that does not exist


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/"])
def test_the_address_may_end_in_the_apis_path(prolific, path):
    assert private_api(prolific.address + path) == prolific.address


def test_a_token_is_sent_to_nobody_in_clear():
    with pytest.raises(ValueError, match="https"):
        private_api("http://prolific.example/api/v1")


@pytest.mark.parametrize("given", ["", "two words", "ein-Tökén", "new\nline"])
def test_a_token_that_cannot_be_is_said_without_showing_it(settings, given):
    settings.PROLIFIC_API_TOKEN = given
    with pytest.raises(CrowdError, match="PROLIFIC_API_TOKEN") as failed:
        client()
    assert not given or given not in str(failed.value)


def test_nobody_listening_is_said_at_once(settings):
    settings.PROLIFIC_API_TOKEN, settings.PROLIFIC_API_URL = TOKEN, "http://127.0.0.1:9"
    with pytest.raises(CrowdError, match=r"does not answer .*PROLIFIC_API_URL"):
        client().read("/studies/")


class Echo(BaseHTTPRequestHandler):
    """Refuses everything, and repeats what it was sent."""

    forms = (
        lambda text: {"error": {"status": 400, "title": "No", "detail": {"token": [text]}}},
        lambda text: {"message": text, "detail": "no"},
        lambda text: {"status": 400, "title": text, "detail": text},
        lambda text: [text],
    )
    said = 0

    def do_GET(self) -> None:
        text = self.headers["Authorization"]
        body = json.dumps(Echo.forms[Echo.said % 4](text)).encode()
        Echo.said += 1
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


def test_the_token_is_in_no_error_log_or_repr(prolific, settings, caplog):
    caplog.set_level(logging.DEBUG)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever).start()
    try:
        api = Client(f"http://127.0.0.1:{server.server_address[1]}")
        for _ in range(4):
            with pytest.raises(RequestRefused) as refused:
                api.read("/studies/")
            assert "(the token)" in str(refused.value)
            assert TOKEN not in str(refused.value)
            assert TOKEN not in repr(refused.value.__context__)
    finally:
        server.shutdown()
        server.server_close()
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(api) + repr(vars(api)) + repr(vars(api._http))


def test_a_wrong_token_is_said(prolific: ProlificServer, settings):
    settings.PROLIFIC_API_TOKEN = "another"
    with pytest.raises(RequestRefused, match="does not accept the token in PROLIFIC_API_TOKEN"):
        client().read("/studies/")
