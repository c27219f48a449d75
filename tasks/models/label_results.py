"""Labels and pairs of labels as a kept report counts them, for the explorer's pages."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from imagesets.models import Label
from tasks.models.results import KeptReport

FEW_IMAGES = 3  # pairs of labels on fewer images come after all others, as in the report's lists
MOST_PAIRS = 5_000  # kept of a kind


class LabelResult(models.Model):
    """A dataset label in a kept report, as the report counts it (R13).

    `sf_images`: images on which workers were shown the label. `accuracy`: the classifiers' mean.
    `classifiers`: {name: {"right", "of"}}. `others`: the labels that workers name most on its
    images besides: {"label", "main_votes", "main_images", "both", "selected", "shown"}.
    """

    report = models.ForeignKey(
        KeptReport, on_delete=models.CASCADE, related_name="label_results", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", db_index=False)
    images = models.PositiveIntegerField()
    sf = models.FloatField(null=True)
    sf_images = models.PositiveIntegerField()
    answered = models.PositiveIntegerField(help_text="Images with a used CLASSIFY answer.")
    responses = models.PositiveIntegerField(help_text="Used CLASSIFY answers on them.")
    own_votes = models.PositiveIntegerField(help_text="Of these, with the label as the main one.")
    followed_up = models.PositiveIntegerField(help_text="Images of group fu, which agreement has.")
    agreement = models.FloatField(null=True)
    accuracy = models.FloatField(null=True)
    classifiers = models.JSONField(default=dict)
    others = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "label"], name="label_once_per_report")
        ]

    def __str__(self) -> str:
        return f"{self.label_id}: {self.images} images"


class PairKind(models.TextChoices):
    """How two labels meet on an image."""

    CONFUSED = "confused", "workers accept both, of one object"
    RENAMED = "renamed", "the main label is another one"
    BESIDE = "beside", "another object beside (R2)"
    ACCEPTED = "accepted", "workers accept both (R9)"


class LabelPair(models.Model):
    """Two labels that meet in a kept report, on `images` of `of`; in the report's order by rank.

    CONFUSED, ACCEPTED: either is the dataset label, a < b by key. Else a is the dataset label.
    Pictures are keys of images of dataset label a, and of the others.
    """

    report = models.ForeignKey(
        KeptReport, on_delete=models.CASCADE, related_name="label_pairs", db_index=False
    )
    kind = models.CharField(max_length=8, choices=PairKind.choices)
    rank = models.PositiveIntegerField(help_text="From 1.")
    a = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", db_index=False)
    b = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", db_index=False)
    images = models.PositiveIntegerField()
    of = models.PositiveIntegerField()
    one_object = models.FloatField(
        null=True, help_text="Of those that CLASSIFY answered, the share with one object for both."
    )
    pictures_a = ArrayField(models.TextField(), default=list)
    pictures_b = ArrayField(models.TextField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "kind", "rank"], name="label_pair_rank"),
            models.CheckConstraint(
                condition=models.Q(kind__in=PairKind.values), name="label_pair_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(images__lte=models.F("of")), name="label_pair_images"
            ),
        ]
        indexes = [
            models.Index(fields=["report", "a"], name="label_pair_a"),
            models.Index(fields=["report", "b"], name="label_pair_b"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.rank}: {self.a_id}, {self.b_id}"
