"""Two strangers who disturb a site on this machine while others work: for load.py."""

import contextlib
import http.client
import re
import socket
import time
from collections import Counter
from multiprocessing.synchronize import Event
from urllib.parse import urlencode, urlsplit

SLOW_ADDRESS, GUESSER_ADDRESS = "127.0.0.66", "127.0.0.67"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def half_open(address: str, number: int, over: Event) -> None:
    """Hold `number` half-sent requests open, half in their heads, half in their bodies."""
    at = urlsplit(address)
    head = f"POST /hit/0123456789abcdef/ HTTP/1.1\r\nHost: {at.netloc}\r\n"
    connections: list[socket.socket] = []
    while not over.wait(0.2):
        connections = [connection for connection in connections if _is_open(connection)]
        for n in range(len(connections), number):
            with contextlib.suppress(OSError):
                connection = socket.create_connection(
                    (at.hostname, at.port), 5, source_address=(SLOW_ADDRESS, 0)
                )
                body = "Content-Length: 1000\r\n\r\nassignmentId=" if n % 2 else ""
                connection.sendall((head + body).encode())
                connection.setblocking(False)
                connections.append(connection)


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def guess(address: str, over: Event) -> None:
    """Try passwords at the login, as fast as the site answers."""
    netloc = urlsplit(address).netloc
    statuses: Counter[int] = Counter()
    tries = 0
    while not over.is_set():
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(
                http.client.HTTPConnection(netloc, timeout=30, source_address=(GUESSER_ADDRESS, 0))
            ) as connection,
        ):
            connection.request("GET", "/admin/login/")
            answer = connection.getresponse()
            page = answer.read().decode()
            statuses[answer.status] += 1
            if (token := TOKEN.search(page)) is None:
                time.sleep(0.05)  # told to wait: a patient guesser asks again
                continue
            tries += 1
            fields = {"username": "root", "password": f"guess{tries}"}
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": (answer.getheader("Set-Cookie") or "").split(";")[0],
            }
            body = urlencode(fields | {"csrfmiddlewaretoken": token[1]})
            connection.request("POST", "/admin/login/", body, headers)
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
    print(f"  the guesser tried {tries} passwords and was answered {dict(statuses)}", flush=True)
