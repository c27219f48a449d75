"""The form of a step: its settings' inputs, checked and stored by the API's own serializer."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, QueryDict
from rest_framework.serializers import ValidationError

from annotation.api.serializers import CampaignSerializer
from annotation.guided.inputs import Options, fields_for, part_of, value_from
from annotation.guided.steps import Step, settings_of
from annotation.rights import visible
from tasks.crowds import CROWDS, crowd_named
from tasks.models import Campaign
from tasks.models.campaign import Kind, State
from tasks.models.campaign_settings import SETTINGS

MEANWHILE = "Somebody has changed it since you opened this page. This is how it is now."


@dataclass(frozen=True)
class Inputs:
    """A setting on the page: its title where it has parts, and each input with what shows it.

    The latter is "" where it always shows, else the value of the setting's choice that it is of.
    """

    title: str
    fields: list[tuple[forms.BoundField, str]]


class StepForm(forms.Form):
    """The settings of a step of a draft; `folded`: names of the inputs that are seldom needed."""

    def __init__(
        self, step: Step, draft: Campaign, request: HttpRequest, data: QueryDict | None = None
    ) -> None:
        super().__init__(data)
        self.step, self.draft, self.request = step, draft, request
        self.options = options_for(draft, request.user)
        self.settings = settings_of((*step.asks, *step.more), draft)
        self.folded: set[str] = set()
        for setting in self.settings:
            value = getattr(draft, setting.name)
            if value is None and setting.null_is_default:
                value = setting.default
            inputs = fields_for(setting, value, self.options)
            for name, (field, initial) in inputs.items():
                self.fields[name] = field
                self.initial[name] = initial
            if setting.name in step.more:
                self.folded |= inputs.keys()

    @property
    def seen(self) -> str:
        """A digest of the values that it was made with: they may have been changed meanwhile."""
        values = json.dumps(self.initial, sort_keys=True, default=str)
        return hashlib.sha256(values.encode()).hexdigest()[:16]

    def values(self) -> dict[str, Any]:
        """The settings as the API would take them. The form has been cleaned."""
        return {
            setting.name: value_from(setting, self.cleaned_data, self.options)
            for setting in self.settings
        }

    def save(self) -> bool:
        """Store the settings, all or none; False: the form says what is wrong with them."""
        if not self.is_valid():
            return False
        try:
            store(self.draft, self.values(), self.request)
        except ValidationError as error:
            self.refuse(error)
        except PermissionDenied:
            self.add_error("budget", "Raising it needs the permission spend.")
        return not self.errors

    def refuse(self, error: ValidationError) -> None:
        """Put the API's errors beside the inputs that they are about."""
        for path, sentence in flat(error.detail):
            self.add_error(self._input_of(path), sentence)

    def _input_of(self, path: str) -> str | None:
        candidates = (path, f"{path}.how", f"{path}.on", f"{path}.{self.draft.languages[0]}")
        return next((name for name in candidates if name in self.fields), None)

    @property
    def shown(self) -> list[Inputs]:
        """The settings that stand open."""
        return self._inputs(folded=False)

    @property
    def more(self) -> list[Inputs]:
        """The settings that are folded."""
        return self._inputs(folded=True)

    def _inputs(self, folded: bool) -> list[Inputs]:
        inputs = []
        for setting in self.settings:
            names = [
                name
                for name in self.fields
                if name.partition(".")[0] == setting.name and (name in self.folded) == folded
            ]
            if names:
                title = setting.title if len(names) > 1 else ""
                inputs.append(Inputs(title, [(self[name], part_of(name)) for name in names]))
        return inputs

    @property
    def more_is_open(self) -> bool:
        """Whether something is wrong among the folded inputs."""
        return bool(self.folded & self.errors.keys())


def store(draft: Campaign, values: Mapping[str, Any], request: HttpRequest) -> None:
    """Give a draft these settings, as a PATCH would. Raises ValidationError."""
    serializer = CampaignSerializer(draft, dict(values), partial=True, context={"request": request})
    serializer.is_valid(raise_exception=True)
    serializer.save()
    draft.refresh_from_db()


def filled(data: QueryDict, values: Mapping[str, Any], options: Options) -> QueryDict:
    """What the form sent, with these settings in place of what it says of them."""
    data = data.copy()
    for setting, value in values.items():
        for name, (_, shown) in fields_for(SETTINGS[setting], value, options).items():
            data.pop(name, None)
            if shown not in (None, False, ""):
                data[name] = "on" if shown is True else str(shown)
    return data


def flat(errors: Any, path: str = "") -> list[tuple[str, str]]:
    """DRF's nested errors as (path with dots, sentence)."""
    if isinstance(errors, Mapping):
        rows: list[tuple[str, str]] = []
        for name, below in errors.items():
            plain = name in ("non_field_errors", "detail") or isinstance(name, int)
            rows += flat(below, path if plain else f"{path}.{name}".lstrip("."))
        return rows
    if isinstance(errors, list):
        return [row for error in errors for row in flat(error, path)]
    return [(path, str(errors))]


def options_for(draft: Campaign, user: Any) -> Options:
    """What the draft's settings may name."""
    classifiers = draft.dataset.classifiers.filter(predictions__isnull=False).distinct()
    ended = visible(
        user,
        Campaign.objects.filter(
            dataset=draft.dataset,
            kind=Kind.CONTAINS,  # others settle no pairs (rule K3)
            state__in=[State.FINISHED, State.CLOSED],
        ),
    ).exclude(pk=draft.pk)
    same_people = visible(user, Campaign.objects.filter(crowd=draft.crowd)).exclude(pk=draft.pk)
    others = [(each.slug, each.name) for each in same_people.order_by("name")]
    names = dict(settings.LANGUAGES)
    return Options(
        {
            "candidates.classifiers": [
                (name, name) for name in classifiers.order_by("name").values_list("name", flat=True)
            ],
            "controls.campaigns": [(each.slug, each.name) for each in ended.order_by("name")],
            "exclude_workers_of": others,
            "only_workers_of": others,
            "languages": sorted(settings.LANGUAGES, key=lambda each: _place(draft, each[0])),
            "crowd": [
                (name, f"{name}: {crowd_named(name).about.replace('`', '')}") for name in CROWDS
            ],
        },
        [(code, names.get(code, code)) for code in draft.languages],
    )


def _place(draft: Campaign, language: str) -> int:
    """The place of a language among the draft's: the first is its main one."""
    return draft.languages.index(language) if language in draft.languages else len(draft.languages)
