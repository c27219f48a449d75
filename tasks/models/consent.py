"""What workers were asked to agree to, and what they decided (rule V6)."""

import hashlib

from django.db import models
from django.db.models.functions import Now

from tasks.models.campaign import Campaign
from tasks.models.worker import Worker


class ConsentText(models.Model):
    """A text that somebody decided about; a campaign's text may change, these never do."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="consent_texts", db_index=False
    )
    version = models.CharField(max_length=10)
    text = models.TextField(help_text="Markdown.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="consent_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.version}"

    @staticmethod
    def version_of(text: str) -> str:
        """The name of a text, which follows from its words: 10 hexadecimal digits."""
        return hashlib.sha256(text.encode()).hexdigest()[:10]


class Consent(models.Model):
    """A worker's decision about a text. Whoever refused may come back and agree."""

    text = models.ForeignKey(ConsentText, on_delete=models.CASCADE, related_name="decisions")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="consents")
    agreed = models.BooleanField()
    language = models.CharField(max_length=20)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.worker_id}: {'agreed' if self.agreed else 'refused'}"
