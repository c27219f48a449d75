"""Drafts: what a worker has put into a HIT's form and not sent yet."""

from django.db import models
from django.db.models.functions import Now

from tasks.models.assignment import Assignment


class Draft(models.Model):
    """The newest draft of an assignment; never an answer (tasks/work/drafts.py)."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, primary_key=True)
    revision = models.BigIntegerField(help_text="The page counts up; the highest wins.")
    fields = models.TextField(help_text="The form's fields as JSON: {name: [values]}.")
    saved_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.assignment_id} ({self.revision})"
