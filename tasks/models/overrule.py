"""Experts' verdicts on the labels of images, beside the crowd's answers and never over them."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from imagesets.models import Image, Label


class Verdict(models.TextChoices):
    """What an expert says of a label; it is the main object's only if it is there."""

    PRESENT = "present"
    ABSENT = "absent"
    MAIN = "main"
    NOT_MAIN = "not_main"
    SAME_OBJECT_AS = "same_object_as"


class Overrule(models.Model):
    """One expert's verdict on one label of an image; one that was revised keeps its row.

    `same_as`: of SAME_OBJECT_AS, the label that names the same object.
    """

    image = models.ForeignKey(
        Image, on_delete=models.PROTECT, related_name="overrules", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=14, choices=Verdict.choices)
    same_as = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, related_name="+")
    why = models.TextField(blank=True, default="")
    who = models.CharField(max_length=200, help_text="The expert's username.")
    at = models.DateTimeField(db_default=Now())
    replaced_at = models.DateTimeField(
        null=True, blank=True, help_text="When its expert revised it, or took it back."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "label", "who"],
                condition=Q(replaced_at=None),
                name="an_expert_has_one_verdict_on_a_label",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="verdict_is_known"
            ),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.SAME_OBJECT_AS, same_as__isnull=False)
                & ~Q(same_as=F("label"))
                | ~Q(verdict=Verdict.SAME_OBJECT_AS) & Q(same_as=None),
                name="the_same_object_as_another_label",
            ),
            models.CheckConstraint(condition=~Q(who=""), name="a_verdict_is_somebodys"),
        ]
        indexes = [
            models.Index(fields=["who", "image"], name="overrule_of_expert"),
            models.Index(fields=["image", "label"], name="overrule_of_image"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id}, {self.label_id}: {self.verdict} ({self.who})"
