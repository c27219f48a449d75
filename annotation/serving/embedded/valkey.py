"""Valkey, for Celery's queue: its command line and its readiness."""

import signal
import socket

from .paths import Paths
from .programs import Programs

QUICK_STOP = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))


def command(paths: Paths, programs: Programs) -> list[str]:
    """The server's command line: one private socket, nothing on disk, nothing evicted."""
    settings = {
        "port": "0",
        "unixsocket": str(paths.valkey_socket),
        "unixsocketperm": "770",
        "dir": str(paths.servers),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [str(programs.valkey_server)]
    for name, value in settings.items():
        arguments += [f"--{name}", value]
    return arguments


def ready(paths: Paths) -> bool:
    """Whether the server answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(paths.valkey_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
