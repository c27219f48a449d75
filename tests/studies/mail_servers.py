"""A mail server on this machine: it takes what it is given, over SMTP, and keeps it."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any


class _Talk(socketserver.StreamRequestHandler):
    """One client's SMTP (RFC 5321), as far as a client that sends needs it."""

    server: "MailServer"

    def handle(self) -> None:
        self._say("220 stand-in")
        recipients: list[str] = []
        for line in self.rfile:
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self._say("250 stand-in")
            elif word == b"MAIL":
                recipients = []
                self._say("250 OK" if not self.server.refuses else "451 try again later")
            elif word == b"RCPT":
                recipients.append(line.decode().partition("<")[2].partition(">")[0])
                self._say("250 OK")
            elif word == b"DATA":
                self._say("354 go on")
                self._take(recipients)
                self._say("250 OK")
            elif word == b"QUIT":
                return self._say("221 bye")
            else:
                self._say("250 OK" if word in (b"RSET", b"NOOP") else "502 unknown")

    def _take(self, recipients: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message: Any = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.mails.append((recipients, message))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """`mails`: (recipients, message) in order of arrival; `refuses`: it takes nothing for now."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refuses = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}?from=look%40example.org"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """The server, for the duration of the block."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
