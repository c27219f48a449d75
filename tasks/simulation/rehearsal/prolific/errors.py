"""Prolific's errors: a status, and one of the forms in which its endpoints tell what is wrong."""

import json


class Fault(Exception):
    """An error as the answer."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail

    def body(self) -> bytes:
        """The usual form; the balance of a wallet has another (`Plain`)."""
        inner = {
            "status": self.status,
            "error_code": 140_000 + self.status,
            "title": self.title,
            "detail": self.detail,
        }
        return json.dumps({"error": inner}).encode()


class Plain(Fault):
    """The form of some endpoints: {"message", "detail"}."""

    def body(self) -> bytes:
        return json.dumps({"message": self.title, "detail": self.detail}).encode()


def wrong(detail: str) -> Fault:
    """The request cannot be carried out as it is."""
    return Fault(400, "Bad request", detail)


def missing(what: str) -> Fault:
    return Fault(404, "Not found", f"{what} was not found")


def busy() -> Fault:
    """Refused before it does anything."""
    return Fault(429, "Too many requests", "Another operation holds the wallet. Try again.")


def broken() -> Fault:
    return Fault(500, "Server error", "Something went wrong.")


class NotAllowed(Exception):
    """A participant tried something that they may not do; the message says what."""
