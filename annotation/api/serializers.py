"""Reads and shows campaigns, for the API and `create_campaign`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotation.api.fields import KnownFieldsOnly, Money, StrictBoolean, StrictText
from annotation.api.setting_fields import field_of
from annotation.links import door, link_of
from annotation.path.standing import Standing, standing_of
from annotation.rights import SPEND, need, visible
from tasks import money
from tasks.campaigns.changing import (
    LATER,
    CannotChange,
    cannot_change,
    change,
    changed_of,
    problems_of_change,
)
from tasks.campaigns.consequences import consequences
from tasks.campaigns.draft_checks import problems_of, slug_taken
from tasks.campaigns.publish import tell_crowd
from tasks.crowds import is_production
from tasks.models import Campaign, Run
from tasks.models.campaign import State
from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import Problem
from tasks.work.rounds import short_of_money

# The settings by which the groups of a source were frozen when the first answers were imported.
GROUPED_BY = {"images", "follow_up", "min_relative_sf", "min_judgments"}


class NothingToSay(KnownFieldsOnly):
    """The body of a step that has no options."""


class ToPublish(KnownFieldsOnly):
    """The body of publish; needed only for real money, or for a test."""

    production = StrictBoolean(required=False, default=False)
    yes_spend = Money(
        required=False, allow_null=True, default=None, help_text="The whole budget, typed."
    )
    test = serializers.EmailField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Offer it to a test participant of that address alone (prolific), which spends"
        " nothing until it is published without; `notes` say where they find it.",
    )


class Reason(KnownFieldsOnly):
    """The body of a step that is logged with a reason."""

    why = StrictText(required=False, allow_blank=True, default="", help_text="For the log.")


class ProgressSerializer(serializers.Serializer):
    """How far a campaign is, as its page shows it; sums in its currency."""

    hits = serializers.IntegerField()
    answers = serializers.IntegerField(help_text="Used answers so far.")
    wanted = serializers.IntegerField(help_text="Used answers in the end: R to each HIT.")
    percent = serializers.FloatField(help_text="How much of that is done.")
    missing = serializers.IntegerField(
        help_text="Answers still to come from workers, as far as the budget carries them."
    )
    to_review = serializers.IntegerField(help_text="Answers that wait for a person.")
    per_hour = serializers.FloatField(help_text="Answers an hour, of late.")
    expected_finish = serializers.DateTimeField(allow_null=True, help_text="At that pace.")
    spent = serializers.DecimalField(12, 2, help_text="Paid and owed.")
    short_of_money = serializers.CharField(
        help_text="What the budget does not carry of the answers that it was to have, or empty: a"
        " study that is finished with fewer ended for want of money."
    )
    troubles = serializers.ListField(
        child=serializers.CharField(), help_text="What went wrong at the last sync."
    )

    @classmethod
    def of(cls, standing: Standing) -> dict[str, Any]:
        """A campaign's progress, as JSON holds it."""
        row = {
            "hits": standing.completion.hits,
            "answers": standing.completion.done,
            "wanted": standing.completion.total,
            "percent": round(standing.completion.percent, 1),
            "missing": standing.missing,
            "to_review": standing.to_review,
            "per_hour": round(standing.pace.per_hour, 1),
            "expected_finish": standing.finish,
            "spent": standing.spent.quantize(Decimal("0.01")),
            "short_of_money": short_of_money(standing.campaign),
            "troubles": standing.campaign.troubles,
        }
        return cls(row).data


class CampaignSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """A campaign's settings, and where it stands."""

    progress = serializers.SerializerMethodField()

    adds_to: Any = serializers.SlugRelatedField(
        slug_field="slug",
        read_only=True,
        help_text="The campaign of which this one asks the pairs that nobody judged.",
    )
    consent_texts = serializers.SerializerMethodField(
        help_text="By version, the texts that workers have decided about (table `consents`)."
    )

    class Meta:
        model = Campaign
        fields = ["public_id", "state", "round", "target", "progress", "adds_to", "consent_texts"]
        read_only_fields = fields

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            name: field_of(setting) for name, setting in SETTINGS.items()
        } | super().get_fields()

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, campaign: Campaign) -> dict[str, Any]:
        standings = self.context.get("standings", {})
        standing = standings.get(campaign.pk) or standing_of([campaign])[0]
        return ProgressSerializer.of(standing)

    def get_consent_texts(self, campaign: Campaign) -> dict[str, str]:
        return {each.version: each.text for each in campaign.consent_texts.all()}

    def to_representation(self, campaign: Campaign) -> dict[str, Any]:
        shown = super().to_representation(campaign)
        for name, setting in SETTINGS.items():
            if setting.null_is_default and shown[name] is None:
                shown[name] = setting.default
        return shown

    def validate(self, data: dict) -> dict:
        """What must hold between settings; of a campaign that is changed, as it would be then."""
        if not self.instance and not data.get("slug"):
            data["slug"] = slugify(data["name"])[:100]
        values = {name: getattr(self.instance, name, None) for name in SETTINGS} | data
        campaigns = Campaign.objects.all()
        if request := self.context.get("request"):
            campaigns = visible(request.user, campaigns)
        if problems := problems_of(values, campaigns, self.instance):
            raise serializers.ValidationError(as_errors(problems))
        return data

    def create(self, validated_data: dict) -> Campaign:
        try:
            with transaction.atomic():
                return super().create(validated_data)
        except IntegrityError:  # another campaign took the slug since it was checked
            problem = slug_taken(validated_data["slug"])
            raise serializers.ValidationError(as_errors([problem])) from None

    def update(self, instance: Campaign, validated_data: dict) -> Campaign:
        """Change a draft, or what a published campaign lets change; all of it, or nothing.

        Raises ValidationError, PermissionDenied if it raises the budget for somebody who may not
        spend, and Refused if it was changed but the marketplace does not know yet.
        """
        with transaction.atomic():
            # Locked, so that a publish at the same moment sees either all of the change or none.
            campaign = Campaign.locked(instance.pk)
            if campaign.state == State.DRAFT:
                return self._change_draft(campaign, validated_data)
        return self._change_later(campaign, validated_data)

    def _change_draft(self, campaign: Campaign, values: dict[str, Any]) -> Campaign:
        fixed = {"dataset", "kind", "source"}
        if campaign.source is not None:
            fixed |= GROUPED_BY
        fixed &= values.keys()
        if fixed and campaign.hits.exists():
            raise serializers.ValidationError(
                {name: ["Cannot be changed: the campaign holds answers."] for name in sorted(fixed)}
            )
        if money.raises(campaign.budget, values.get("budget", campaign.budget)):
            need(self.context["request"].user, SPEND, campaign)
        return super().update(campaign, values)

    def _change_later(self, campaign: Campaign, values: dict[str, Any]) -> Campaign:
        self._refuse_frozen(campaign, values)
        user = self.context["request"].user
        try:
            if change(campaign, values, user.get_username(), lambda: need(user, SPEND, campaign)):
                tell_crowd(campaign, in_queue=True)
        except CannotChange as error:
            raise serializers.ValidationError(as_errors(error.problems)) from None
        return campaign

    def consequences(self) -> list[str]:
        """What saving would do to a published campaign, a sentence each; a draft has none yet.

        Raises ValidationError.
        """
        campaign: Any = self.instance
        if campaign.state == State.DRAFT:
            return []
        self._refuse_frozen(campaign, self.validated_data)
        changed = changed_of(campaign, self.validated_data)
        if problems := problems_of_change(campaign, changed, is_production(campaign)):
            raise serializers.ValidationError(as_errors(problems))
        return consequences(campaign, changed)

    @staticmethod
    def _refuse_frozen(campaign: Campaign, values: Mapping[str, Any]) -> None:
        if names := cannot_change(campaign, values):
            may = "" if campaign.state == State.CLOSED else f" Only these can: {', '.join(LATER)}."
            sentence = f"Cannot be changed: campaign {campaign.slug} is {campaign.state}.{may}"
            raise serializers.ValidationError({name: [sentence] for name in names})


class PublishedSerializer(CampaignSerializer):
    """A campaign that gives out work, and where people begin."""

    link = serializers.SerializerMethodField(
        help_text="The page where people begin; null: its crowd finds its own people. Where `open`"
        " is `invited` it lets nobody in without an invitation."
    )
    notes = serializers.SerializerMethodField(
        help_text="Images left out, or asked about their dataset label alone, with counts;"
        " of a test, where its participant finds it."
    )

    class Meta(CampaignSerializer.Meta):
        fields = [*CampaignSerializer.Meta.fields, "link", "notes"]
        read_only_fields = fields

    def get_link(self, campaign: Campaign) -> str | None:
        path = door(campaign)
        return link_of(self.context["request"], path) if path else None

    def get_notes(self, campaign: Campaign) -> list[str]:
        return self.context["notes"]


class RunSerializer(serializers.ModelSerializer):
    """One aggregation of a campaign."""

    campaign = serializers.CharField(source="campaign.slug", read_only=True)

    class Meta:
        model = Run
        fields = ["id", "campaign", "started_at", "seconds", "version", "settings", "counts"]
        fields += ["agreement", "convergence", "notes"]
        read_only_fields = fields


class ReviewedSerializer(serializers.Serializer):
    """What a review decided: numbers of answers, and of workers stopped."""

    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    set_aside = serializers.IntegerField()
    stopped = serializers.IntegerField()


class DecisionsSerializer(KnownFieldsOnly):
    """The body of a sync: what somebody decided about HITs that are gone at the marketplace."""

    offer_again = serializers.ListField(
        child=StrictText(), default=[], help_text='HITs to be offered anew: names, or "all".'
    )
    give_up = serializers.ListField(
        child=StrictText(), default=[], help_text="HITs to which no more answers are asked."
    )
    enter_bonuses = serializers.BooleanField(
        default=False, help_text="Enter bonuses in the ledger that were paid by hand."
    )
    paid_by_hand = serializers.ListField(
        child=StrictText(),
        default=[],
        help_text='HITs that are gone, or "all": what was owed for them has been paid.',
    )
    leave_unpaid = serializers.ListField(
        child=StrictText(),
        default=[],
        help_text="HITs that are gone: nobody can pay what is owed for them, so it stays owed and"
        " is named no more.",
    )


class SyncedSerializer(serializers.Serializer):
    """What a sync did; `busy`: another sync was running, and this one did nothing."""

    state = serializers.CharField()
    short_of_money = serializers.CharField(
        help_text="What the budget does not carry of the answers that it was to have, or empty."
    )
    busy = serializers.BooleanField()
    fetched = serializers.IntegerField()
    expired = serializers.IntegerField()
    reviewed = ReviewedSerializer()
    paid = serializers.IntegerField()
    offered_again = serializers.IntegerField(help_text="HITs that were gone.")
    given_up = serializers.IntegerField(help_text="HITs that were gone.")
    entered = serializers.IntegerField(help_text="Bonuses paid by hand.")
    paid_by_hand = serializers.IntegerField(help_text="Payments for HITs that are gone.")
    left_unpaid = serializers.IntegerField(help_text="Payments for HITs that are gone.")
    rejections_told = serializers.IntegerField()
    opened_round = serializers.IntegerField(help_text="Its number, or 0.")
    unconfirmed = serializers.CharField(
        help_text="Why nothing was paid or offered: nobody has confirmed that it spends real money."
    )
    lost = serializers.CharField(
        help_text="Which HITs are gone at the marketplace, and wait for a decision."
    )
    unpayable = serializers.CharField(
        help_text="What is owed for HITs that are gone, and waits for a decision."
    )
    unknown = serializers.ListField(child=serializers.CharField())
    troubles = serializers.ListField(child=serializers.CharField())
    differences = serializers.ListField(child=serializers.CharField())


def as_errors(problems: list[Problem]) -> dict[str, Any]:
    """Problems as DRF's nested errors."""
    errors: dict[str, Any] = {}
    for name, sentence in problems:
        setting, _, part = name.partition(".")
        if part:
            errors.setdefault(setting, {})[part] = [sentence]
        else:
            errors[setting] = [sentence]
    return errors


def one_line(errors: Any, path: str = "") -> str:
    """DRF's nested errors as one line: `field: what; field.subfield: what; field[2]: what`."""
    if isinstance(errors, Mapping):
        return "; ".join(one_line(error, _below(path, name)) for name, error in errors.items())
    text = " ".join(str(error) for error in errors) if isinstance(errors, list) else str(errors)
    return f"{path}: {text}" if path else text


def _below(path: str, name: str | int) -> str:
    """The path of a field, or of a list's element, below another."""
    if name == "non_field_errors":
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
