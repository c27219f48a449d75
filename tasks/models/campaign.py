"""A campaign: one kind of question about a dataset's images, and what publishing froze."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.text import slugify

from imagesets.models import Dataset, Image, Label, new_public_id
from tasks.models.asked_settings import KINDS
from tasks.models.campaign_settings import SETTINGS, default_of
from tasks.models.crowd_settings import OPEN_TO
from tasks.models.setting_groups import CANDIDATES
from tasks.models.setting_types import NOT_SET, REQUIRED, Dollars, Number, Slug, Text, Whole
from tasks.models.spoken import SpokenText, Texts
from tasks.models.sums import in_words
from tasks.models.transition import (
    CAMPAIGN_MOVE_NEEDS,
    CAMPAIGN_MOVES,
    IllegalTransition,
    Transition,
)


class Kind(models.TextChoices):
    """What workers are asked."""

    CONTAINS = "contains", KINDS["contains"]
    CLASSIFY = "classify", KINDS["classify"]


class OpenTo(models.TextChoices):
    """Whom the site lets in (rule V1)."""

    INVITED = "invited", OPEN_TO["invited"]
    ANYONE = "anyone", OPEN_TO["anyone"]


class State(models.TextChoices):
    """Where a campaign stands; transition.py holds the allowed moves."""

    DRAFT = "draft", "draft"
    OPEN = "open", "open"
    PAUSED = "paused", "paused"
    FINISHED = "finished", "finished"
    CLOSED = "closed", "closed"


def all_images() -> str:
    """The default of `images`."""
    return default_of("images")


def default_controls() -> dict:
    """The default of `controls`."""
    return default_of("controls")


def default_languages() -> list[str]:
    """The default of `languages`."""
    return default_of("languages")


def _declared(name: str) -> dict[str, Any]:
    """A column's default, bounds and length, as declared in campaign_settings.

    Not its help: the API and the admin take it from there, and better words need no migration.
    """
    setting = SETTINGS[name]
    options: dict[str, Any] = {}
    if setting.default not in (REQUIRED, NOT_SET):
        options["default"] = setting.default
    if setting.null:
        options |= {"null": True, "blank": True}
    if isinstance(setting.type, Text | Slug) and setting.type.longest:
        options["max_length"] = setting.type.longest
    if isinstance(setting.type, Text) and setting.type.blank:
        options["blank"] = True
    if isinstance(setting.type, Whole | Number | Dollars):
        options["validators"] = [
            MinValueValidator(setting.type.least),
            MaxValueValidator(setting.type.most),
        ]
    return options


class Campaign(models.Model):
    """A study of one kind on one dataset. Its settings can be changed only while it is a draft."""

    slug = models.SlugField(unique=True, **_declared("slug"))
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    name = models.CharField(**_declared("name"))
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="campaigns")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    crowd = models.CharField(max_length=20, **_declared("crowd"))
    sandbox = models.BooleanField(**_declared("sandbox"))
    open = models.CharField(max_length=7, choices=OpenTo.choices, **_declared("open"))
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    source = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    adds_to = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="additions",
        help_text="The CONTAINS campaign of which this one asks the pairs that nobody judged.",
    )

    images = models.JSONField(default=all_images, blank=True)
    candidates = models.JSONField(**_declared("candidates"))
    follow_up = models.JSONField(null=True, blank=True, default=None)
    workers_per_item = models.PositiveSmallIntegerField(**_declared("workers_per_item"))
    round_size = models.PositiveSmallIntegerField(**_declared("round_size"))
    grid_size = models.PositiveSmallIntegerField(**_declared("grid_size"))
    max_sections = models.PositiveSmallIntegerField(**_declared("max_sections"))
    images_per_hit = models.PositiveSmallIntegerField(**_declared("images_per_hit"))
    maybe = models.BooleanField(**_declared("maybe"))
    languages = models.JSONField(default=default_languages, blank=True)
    max_offered = models.PositiveSmallIntegerField(**_declared("max_offered"))
    min_relative_sf = models.DecimalField(
        max_digits=5, decimal_places=4, **_declared("min_relative_sf")
    )
    min_judgments = models.PositiveSmallIntegerField(**_declared("min_judgments"))
    assignment_minutes = models.PositiveSmallIntegerField(**_declared("assignment_minutes"))
    controls = models.JSONField(default=default_controls, blank=True)
    practice = models.JSONField(**_declared("practice"))
    rejection = models.BooleanField(**_declared("rejection"))
    review_sample = models.PositiveIntegerField(**_declared("review_sample"))
    wage = models.DecimalField(max_digits=7, decimal_places=2, **_declared("wage"))
    reward = models.DecimalField(max_digits=7, decimal_places=2, **_declared("reward"))
    budget = models.DecimalField(max_digits=12, decimal_places=2, **_declared("budget"))
    currency = models.CharField(max_length=3, **_declared("currency"))
    session_minutes = models.PositiveSmallIntegerField(**_declared("session_minutes"))
    continue_for_bonus = models.BooleanField(**_declared("continue_for_bonus"))
    max_share_per_worker = models.DecimalField(
        max_digits=5, decimal_places=4, **_declared("max_share_per_worker")
    )
    session_hits = models.PositiveSmallIntegerField(
        null=True, blank=True, editable=False, help_text="HITs of a session, fixed at publish."
    )
    session_seconds = models.FloatField(
        null=True, blank=True, editable=False, help_text="How long a session should take."
    )
    session_reward = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        editable=False,
        help_text="Base pay of a session.",
    )
    panel = models.JSONField(**_declared("panel"))
    prolific = models.JSONField(**_declared("prolific"))
    exclude_workers_of = models.JSONField(default=list, blank=True)
    only_workers_of = models.JSONField(default=list, blank=True)
    confirmed_budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        editable=False,
        help_text="The whole budget, typed by whoever let the campaign spend real money.",
    )
    out_of_money = models.BooleanField(
        default=False, help_text="The budget carries no further round."
    )
    lifetime_days = models.PositiveSmallIntegerField(**_declared("lifetime_days"))
    auto_approval_days = models.PositiveSmallIntegerField(**_declared("auto_approval_days"))
    qualifications = models.JSONField(default=list, blank=True)
    title = SpokenText(**_declared("title"))
    description = SpokenText(**_declared("description"))
    keywords = models.CharField(**_declared("keywords"))
    instructions = SpokenText(**_declared("instructions"))
    contact = SpokenText(**_declared("contact"))
    content_warning = SpokenText(**_declared("content_warning"))
    consent = SpokenText(**_declared("consent"))

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
    troubles = models.JSONField(
        default=list,
        db_default=[],
        editable=False,
        help_text="What went wrong at the last sync, in sentences.",
    )
    troubled_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="campaign_kind"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="campaign_state"),
            models.CheckConstraint(condition=Q(open__in=OpenTo.values), name="campaign_open_to"),
            models.CheckConstraint(
                condition=Q(target__lte=models.F("workers_per_item")), name="target_at_most_r"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CLASSIFY) | Q(source=None), name="only_classify_has_a_source"
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CONTAINS) | Q(adds_to=None), name="only_contains_adds"
            ),
            models.CheckConstraint(
                condition=Q(troubles=[], troubled_at=None)
                | Q(~Q(troubles=[]), troubled_at__isnull=False),
                name="troubles_have_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args, **kwargs) -> None:
        if not self.slug:
            self.slug = slugify(self.name)[:100]
        super().save(*args, **kwargs)

    @property
    def texts(self) -> Texts:
        """Its own texts (title, instructions, ...) in the page's language."""
        return Texts(self, self.languages)

    @property
    def in_currency(self) -> str:
        """The currency of its sums, by its three letters."""
        return self.currency or "USD"

    def as_money(self, amount: Decimal) -> str:
        """A sum of its money as researchers read it."""
        return in_words(amount, self.in_currency)

    @property
    def judgments_needed(self) -> int:
        """`min_judgments`, or half of R rounded up."""
        return self.min_judgments or (self.workers_per_item + 1) // 2

    @property
    def candidates_or_default(self) -> dict[str, Any]:
        """`candidates`, with the default of whatever is not given."""
        return CANDIDATES.defaults() | (self.candidates or {})

    @property
    def follow_up_or_default(self) -> Any:
        """`follow_up`, or its default."""
        return self.follow_up or default_of("follow_up")

    @classmethod
    def locked(cls, pk: int) -> "Campaign":
        """The campaign, its row locked until the transaction ends.

        NO KEY: inserts that refer to the campaign (an assignment, a line in the log) do not wait.
        """
        return cls.objects.select_for_update(no_key=True).get(pk=pk)

    def move_to(self, state: State, who: str, why: str = "") -> None:
        """Change the state and log it; the caller holds the campaign's row lock.

        Raises IllegalTransition, which says why, unless CAMPAIGN_MOVES allows it.
        """
        if state not in CAMPAIGN_MOVES[self.state]:
            why = CAMPAIGN_MOVE_NEEDS[state]
            if self.state == State.CLOSED:
                why = "its end is for good"
            where = "a draft" if self.state == State.DRAFT else self.state
            raise IllegalTransition(f"campaign {self.slug} is {where}: {why}")
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
    translations = models.JSONField(default=dict, db_default={})

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "label"], name="label_frozen_once")
        ]

    def __str__(self) -> str:
        return " or ".join(self.names)

    @classmethod
    def frozen(cls, campaign: Campaign, label: Label) -> "CampaignLabel":
        """The label as it is now, for the campaign; not saved."""
        names = ("names", "definition", "wikipedia", "translations")
        texts = {name: getattr(label, name) for name in names}
        return cls(campaign=campaign, label=label, **texts)


class CampaignImage(models.Model):
    """An image of a campaign; with a source, its group there and its probability of being asked."""

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
