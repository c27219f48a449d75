"""Behind nginx nobody stops the site by being slow, and nobody's address is forged through it."""

import contextlib
import http.client
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from annotation.serving.web import web_server
from tests.studies import nginx


@pytest.fixture
def behind_nginx(transactional_db) -> Iterator[str]:
    """The address of nginx in front of a real gunicorn of this test's site."""
    nginx.need()
    given = {"TRUSTED_PROXIES": "127.0.0.1"}
    with web_server(environment=given) as site, nginx.in_front_of(site, patience=3) as address:
        yield address


@contextlib.contextmanager
def half_open(address: str, number: int) -> Iterator[list[socket.socket]]:
    """So many requests from one client, half with half a head, half with half a body."""
    at = urlsplit(address)
    with contextlib.ExitStack() as stack:
        connections = []
        for n in range(number):
            connection = stack.enter_context(socket.create_connection((at.hostname, at.port), 5))
            head = f"POST /hit/0123456789abcdef/ HTTP/1.1\r\nHost: {at.netloc}\r\n"
            if n % 2:
                head += "Content-Length: 1000\r\n\r\nassignmentId="
            connection.sendall(head.encode())
            connections.append(connection)
        yield connections


def test_forty_half_sent_requests_keep_no_worker_waiting(behind_nginx: str) -> None:
    with httpx.Client(base_url=behind_nginx, timeout=30) as worker:
        worker.get("/tasks/")
        with half_open(behind_nginx, 40) as connections:
            time.sleep(1)
            for _ in range(10):
                started = time.monotonic()
                assert worker.get("/tasks/").status_code == 200
                assert time.monotonic() - started < 2
            assert all(ended(connection) for connection in connections)


def ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection by itself, soon."""
    connection.settimeout(20)
    try:
        return b" 200 " not in connection.recv(4096)
    except ConnectionResetError:
        return True


def test_large_and_frequent_requests_are_refused_with_a_sentence(behind_nginx: str) -> None:
    def post(page: str, **body) -> httpx.Response:
        return httpx.post(f"{behind_nginx}{page}", timeout=30, trust_env=False, **body)

    answer = post("/admin/login/", content=b"x" * 300 * 1024)
    assert (answer.status_code, "too large for this page" in answer.text) == (413, True)
    answer = post("/api/campaigns/", content=b" " * 5_000_000)
    assert (answer.status_code, "4 MB" in answer.json()["detail"]) == (413, True)
    # Imports pass through, to a site that reads nothing of a stranger's.
    for _ in range(10):  # and answers while nginx is still sending it
        assert post("/api/campaigns/x/responses/", content=b" " * 5_000_000).status_code == 401
    answers = [post("/admin/login/", data={"username": "a"}) for _ in range(40)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert "Wait ten seconds" in late[0].text
    assert late[0].headers["Retry-After"] == "10"
    assert httpx.get(f"{behind_nginx}/tasks/", timeout=30).status_code == 200


def test_a_class_of_thirty_behind_one_address_works(behind_nginx: str) -> None:
    """Each has six connections open at the same moment, for a page and its pictures."""
    at = urlsplit(behind_nginx).netloc
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(contextlib.closing(http.client.HTTPConnection(at, timeout=30)))
            for _ in range(180)
        ]
        for number, connection in enumerate(connections):
            connection.request("GET", "/static/css/tokens.css" if number % 6 else "/tasks/")
        assert {connection.getresponse().status for connection in connections} == {200}


def test_nginx_adds_what_it_saw_to_what_a_visitor_claims() -> None:
    """The site believes the last address alone, which is nginx's word (see test_proxies)."""
    nginx.need()
    heard: list[tuple[str, str]] = []

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.headers["X-Forwarded-For"], self.headers["X-Forwarded-Proto"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        with nginx.in_front_of(f"http://127.0.0.1:{site.server_port}") as address:
            httpx.get(address)
            httpx.get(
                address, headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
            )
        site.shutdown()
    assert heard == [("127.0.0.1", "http"), ("203.0.113.9, 127.0.0.1", "https, http")]
