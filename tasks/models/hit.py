"""A HIT and its items: what a worker does in one go."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from imagesets.models import Image, Label, new_public_id
from tasks.models.campaign import Campaign, Pair


class HIT(models.Model):
    """One unit of work. Its items never change; rounds raise how many answers it should have.

    `asks_nothing` follows from its items' images (tasks/work/withdrawing.py).
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="hits", db_index=False
    )
    key = models.CharField(max_length=200, help_text="Its name in exports and imports.")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    expected_seconds = models.FloatField(default=0)
    reward = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="US dollars for one answer.",
    )
    asks_nothing = models.BooleanField(
        default=False,
        db_default=False,
        help_text="All images that the study asks in it were withdrawn: nobody is given it.",
    )
    given_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody decided to ask no more answers to it."
    )

    class Meta:
        verbose_name = "HIT"
        ordering = ["campaign", "id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="hit_key_once_per_campaign")
        ]

    def __str__(self) -> str:
        return self.key


ASKED = Q(asks_nothing=False, given_up_at=None)  # HITs to which answers are still asked


class Role(models.TextChoices):
    """Why an item is in a HIT."""

    STUDY = "study", "study"
    CONTROL = "control", "control"


class HITItem(models.Model):
    """One tile (CONTAINS: an image under a label) or one image (CLASSIFY: no label of its own).

    When an item changes, a trigger makes aggregation read the answers to its HIT again.
    (hit, image) is not unique: an import may show an image many times, under different labels.
    """

    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="items", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 0, as laid out, not as shown.")
    section = models.PositiveSmallIntegerField(default=0)
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, null=True, related_name="+")
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, null=True, related_name="items")
    role = models.CharField(max_length=7, choices=Role.choices, default=Role.STUDY)
    known = models.BooleanField(
        null=True, help_text="A control's answer; an imported control has none."
    )
    weak = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A control whose answer was inferred, not settled: rejects nobody by itself.",
    )

    class Meta:
        verbose_name = "HIT item"
        ordering = ["hit", "position"]
        constraints = [
            models.UniqueConstraint(fields=["hit", "position"], name="one_item_per_position"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="item_role"),
            models.CheckConstraint(
                condition=Q(role=Role.STUDY, known=None) | Q(role=Role.CONTROL, pair=None),
                name="only_a_control_has_a_known_answer",
            ),
            models.CheckConstraint(
                condition=Q(weak=False) | Q(role=Role.CONTROL), name="only_a_control_is_weak"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_id}[{self.position}]"


class Section(models.Model):
    """One label's tiles in a CONTAINS HIT that was laid out: how many of them show the label.

    `selected` and `shown` are sums over the study's tiles and their used answers, as of the last
    run that changed results (tasks/results/prevalence.py).
    """

    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="sections", db_index=False)
    number = models.PositiveSmallIntegerField(help_text="HITItem.section.")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+", db_index=False)
    tiles = models.PositiveSmallIntegerField(help_text="Of the study; controls are others.")
    expected = models.FloatField(help_text="Share of the tiles that should show the label.")
    selected = models.PositiveIntegerField(default=0, db_default=0)
    shown = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["hit", "number"]
        constraints = [
            models.UniqueConstraint(fields=["hit", "number"], name="section_once_per_hit"),
            models.CheckConstraint(
                condition=Q(expected__gte=0, expected__lte=1), name="expected_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(selected__lte=models.F("shown")), name="selected_of_shown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_id}/{self.number}"
