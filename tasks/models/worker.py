"""Workers, their pseudonyms, and the campaigns that stopped them."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from django.db import models

from tasks.models.campaign import Campaign


class Secret(models.Model):
    """A key of this installation, made once and kept in the database."""

    name = models.CharField(max_length=50, unique=True)
    value = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def named(cls, name: str) -> bytes:
        """The key of that name; made on first use (two at once agree on one)."""
        secret, _ = cls.objects.get_or_create(
            name=name, defaults={"value": secrets.token_urlsafe(32)}
        )
        return secret.value.encode()


# No crowd's ids begin like this: it tells pseudonyms from ids in files, which may hold either.
PSEUDONYM_PREFIX = "pw-"
_PSEUDONYM = re.compile(re.escape(PSEUDONYM_PREFIX) + "[a-z2-7]{16}")


def is_pseudonym(name: str) -> bool:
    """Whether a worker's name in a file is a pseudonym, of this installation or of another."""
    return _PSEUDONYM.fullmatch(name) is not None


def pseudonyms(crowd: str, external_ids: Iterable[str]) -> list[str]:
    """Workers' names in exports, in the order given.

    HMAC-SHA256 of crowd and id under a key of this installation, its first 80 bits.
    """
    key = Secret.named("pseudonyms")
    digests = (
        hmac.digest(key, f"{crowd}\0{external_id}".encode(), hashlib.sha256)
        for external_id in external_ids
    )
    return [PSEUDONYM_PREFIX + base64.b32encode(d[:10]).decode().lower() for d in digests]


class Worker(models.Model):
    """A person in a crowd who answers."""

    crowd = models.CharField(max_length=20)
    external_id = models.CharField(max_length=200, help_text="The crowd's id of this worker.")
    pseudonym = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["crowd", "external_id"], name="worker_once_per_crowd")
        ]

    def __str__(self) -> str:
        return self.pseudonym

    @classmethod
    def of(cls, crowd: str, external_id: str) -> "Worker":
        """The worker with that id, created if the id is new."""
        worker, _ = cls.objects.get_or_create(
            crowd=crowd,
            external_id=external_id,
            defaults={"pseudonym": lambda: pseudonyms(crowd, [external_id])[0]},
        )
        return worker


class Stop(models.Model):
    """A worker who gets no more of a campaign's work, and whose answers in it are set aside."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="stops")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="stops")
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "worker"], name="worker_stopped_once")
        ]

    def __str__(self) -> str:
        return f"{self.worker_id} in {self.campaign_id}"
