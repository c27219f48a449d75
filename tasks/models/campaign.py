"""A campaign: one kind of question about a dataset's images, and what it froze when published."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.text import slugify

from imagesets.models import Dataset, Image, Label, new_public_id
from tasks.models.transition import CAMPAIGN_MOVES, IllegalTransition, Transition


class Kind(models.TextChoices):
    """What workers are asked."""

    CONTAINS = "contains", "CONTAINS: which of these images contain X?"
    CLASSIFY = "classify", "CLASSIFY: which labels are in this image, which is the main one?"


class State(models.TextChoices):
    """Where a campaign stands; the allowed ways are in transition.py."""

    DRAFT = "draft", "draft"
    OPEN = "open", "open"
    PAUSED = "paused", "paused"
    FINISHED = "finished", "finished"
    CLOSED = "closed", "closed"


def all_images() -> str:
    """The default of `images`."""
    return "all"


def default_controls() -> dict:
    """The default of `controls`."""
    return {"share": 0.1, "campaigns": [], "min_accuracy": None, "min_items": 20}


class Campaign(models.Model):
    """A study of one kind on one dataset. Its settings can be changed only while it is a draft."""

    slug = models.SlugField(unique=True, max_length=100)
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    name = models.CharField(max_length=200)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="campaigns")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    crowd = models.CharField(max_length=20, default="local")
    sandbox = models.BooleanField(
        default=True, help_text="On a marketplace that has one: its sandbox, where nobody is paid."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    source = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="followed_by"
    )

    images = models.JSONField(default=all_images, blank=True)
    candidates = models.JSONField(null=True, blank=True, default=None)
    follow_up = models.JSONField(null=True, blank=True, default=None)
    workers_per_item = models.PositiveSmallIntegerField(
        default=9, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    round_size = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1)])
    grid_size = models.PositiveSmallIntegerField(
        default=48, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    max_sections = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    images_per_hit = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    maybe = models.BooleanField(default=False)
    max_offered = models.PositiveSmallIntegerField(
        default=6, validators=[MinValueValidator(2), MaxValueValidator(20)]
    )
    min_relative_sf = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
    )
    min_judgments = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    assignment_minutes = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(1)]
    )
    controls = models.JSONField(default=default_controls, blank=True)
    rejection = models.BooleanField(
        default=False, help_text="Whether review may reject: refuse to pay for careless work."
    )
    review_sample = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="So many answers, the first ones, wait until a person has looked at them.",
    )
    wage = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        default=Decimal("15.00"),
        validators=[MinValueValidator(Decimal(0))],
        help_text="US dollars an hour, from which rewards follow.",
    )
    reward = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text="US dollars for one HIT, whatever its size; empty: from the wage.",
    )
    budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="US dollars that the campaign never spends more than, fees included.",
    )
    out_of_money = models.BooleanField(
        default=False, help_text="The budget carries no further round."
    )
    lifetime_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="How long a marketplace shows a HIT before it is offered anew.",
    )
    auto_approval_days = models.PositiveSmallIntegerField(
        default=3,
        validators=[MaxValueValidator(30)],
        help_text="After so many days a marketplace accepts by itself what nobody has reviewed.",
    )
    qualifications = models.JSONField(
        default=list, blank=True, help_text="A list in the form of QualificationRequirements."
    )
    title = models.CharField(max_length=128, blank=True, default="")
    description = models.TextField(blank=True, default="")
    keywords = models.CharField(max_length=1000, blank=True, default="")
    instructions = models.TextField(blank=True, default="", help_text="Markdown.")

    round = models.PositiveSmallIntegerField(default=0)
    target = models.PositiveSmallIntegerField(
        default=0, help_text="Used answers that each HIT should have by now."
    )
    seed = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)

    synced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last whole sync began."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="campaign_kind"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="campaign_state"),
            models.CheckConstraint(
                condition=Q(target__lte=models.F("workers_per_item")), name="target_at_most_r"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CLASSIFY) | Q(source=None), name="only_classify_has_a_source"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args, **kwargs) -> None:
        if not self.slug:
            self.slug = slugify(self.name)[:100]
        super().save(*args, **kwargs)

    @property
    def judgments_needed(self) -> int:
        """`min_judgments`, or half of R rounded up."""
        return self.min_judgments or (self.workers_per_item + 1) // 2

    @classmethod
    def locked(cls, pk: int) -> "Campaign":
        """The campaign, its row locked till the transaction ends; one holds it at a time.

        NO KEY: what is inserted for the campaign (an assignment, a line in the log) need not wait.
        """
        return cls.objects.select_for_update(no_key=True).get(pk=pk)

    def move_to(self, state: State, who: str, why: str = "") -> None:
        """Change the state and log it; the caller holds the campaign's row lock.

        Raises IllegalTransition, naming both states, where CAMPAIGN_MOVES does not allow it.
        """
        if state not in CAMPAIGN_MOVES[self.state]:
            raise IllegalTransition(
                f"campaign {self.slug} is {self.state} and cannot become {State(state).value}"
            )
        Transition.objects.create(
            campaign=self, subject="campaign", before=self.state, after=state, who=who, why=why
        )
        self.state = state
        self.save(update_fields=["state"])


class CampaignLabel(models.Model):
    """A label as a campaign's workers read it: frozen at publish."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="labels", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+")
    names = models.JSONField()
    definition = models.TextField(blank=True)
    wikipedia = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "label"], name="label_frozen_once")
        ]

    def __str__(self) -> str:
        return " or ".join(self.names)


class CampaignImage(models.Model):
    """An image of a campaign; with a source, its group there and the chance that it was asked."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="campaign_images", db_index=False
    )
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    group = models.CharField(max_length=4, blank=True, default="")
    asked = models.BooleanField(default=True)
    inclusion_probability = models.FloatField(default=1.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "image"], name="image_once_per_campaign"),
            models.CheckConstraint(
                condition=Q(group__in=["", "amb", "mis", "easy", "fu"]), name="image_group"
            ),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gte=0, inclusion_probability__lte=1),
                name="inclusion_probability_is_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.image_id}"


class Pair(models.Model):
    """An image and a candidate label that a campaign asks about: frozen at publish.

    In a CLASSIFY campaign an image's pairs are the labels offered for it.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="pairs", db_index=False
    )
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="+")
    sources = models.JSONField(
        default=list, help_text='Where it came from: "dataset", or [classifier, rank, score].'
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "image", "label"], name="pair_once_per_campaign"
            )
        ]

    def __str__(self) -> str:
        return f"{self.image_id} / {self.label_id}"
