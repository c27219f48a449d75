"""Drafts: what a worker has put into a HIT's form and not sent yet."""

from django.db import models
from django.db.models.functions import Now

from tasks.models.assignment import Assignment


class AnyDraft(models.Model):
    """The newest draft of some work; never an answer."""

    revision = models.BigIntegerField(help_text="The page counts up; the highest wins.")
    fields = models.TextField(help_text="The form's fields as JSON: {name: [values]}.")
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True


class Draft(AnyDraft):
    """The newest draft of an assignment (tasks/work/drafts.py)."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, primary_key=True)

    def __str__(self) -> str:
        return f"{self.assignment_id} ({self.revision})"
