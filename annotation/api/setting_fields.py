"""The API's fields of a campaign's settings, made from their declaration."""

import copy
import dataclasses
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Model
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from annotation.api.fields import (
    KnownFieldsOnly,
    Money,
    Row,
    StrictBoolean,
    StrictChoice,
    StrictInteger,
    StrictNumber,
    StrictShare,
    StrictSlug,
    StrictText,
)
from imagesets.labels.lint import some
from imagesets.models import Dataset
from tasks.crowds import CROWDS
from tasks.models import Campaign
from tasks.models.setting_types import (
    NOT_SET,
    REQUIRED,
    Choice,
    Dollars,
    Flag,
    Foreign,
    Group,
    ListOf,
    Named,
    Number,
    Setting,
    Slug,
    Text,
    Type,
    Whole,
    WordOr,
    broken_rules,
)

ROWS: dict[str, type[Model]] = {"dataset": Dataset, "campaign": Campaign}


def field_of(setting: Setting) -> serializers.Field:
    """The field that takes and shows a setting, or a part of one."""
    options: dict[str, Any] = {"allow_null": setting.null}
    if setting.help:
        options["help_text"] = setting.help
    if setting.default is NOT_SET or setting.null_is_default:
        options["required"] = False
    elif setting.default is not REQUIRED:
        options["default"] = copy.deepcopy(setting.default)
    return _field(setting.type, **options)


def _field(declared: Type, **options: Any) -> serializers.Field:
    match declared:
        case Flag():
            return StrictBoolean(**options)
        case Whole(least, most):
            return StrictInteger(min_value=least, max_value=most, **options)
        case Number(least, most, None):
            return StrictNumber(min_value=float(least), max_value=float(most), **options)
        case Number(least, most, int(places)):
            return StrictShare(
                max_digits=places + 1,
                decimal_places=places,
                min_value=least,
                max_value=most,
                **options,
            )
        case Dollars(least, most):
            return Money(min_value=least, max_value=most, **options)
        case Text(by_language=True):
            return SpokenTextField(dataclasses.replace(declared, by_language=False), **options)
        case Text():
            return StrictText(
                max_length=declared.longest,
                allow_blank=declared.blank,
                trim_whitespace=declared.trim,
                **options,
            )
        case Slug(longest):
            return StrictSlug(max_length=longest, **options)
        case Choice(words):
            return StrictChoice(choices=list(words.items()), **options)
        case Named("crowd"):
            return StrictChoice(choices=CROWDS, **options)
        case Named("language"):
            return StrictChoice(choices=[code for code, _ in settings.LANGUAGES], **options)
        case Named(what):
            return Row(ROWS[what], **options)
        case ListOf() | Group() | WordOr():
            return WholeValue(declared, **options)
        case Foreign():
            return ForeignField(declared, **options)
    raise TypeError(f"there is no field for {declared}")


class WholeValue(serializers.Field):
    """A list, a group, or a word in place of one: a PATCH too replaces it whole.

    A part that is not given has its default, whatever it was before.
    """

    def __init__(self, declared: ListOf | Group | WordOr, **options: Any) -> None:
        super().__init__(**options)
        self.declared = declared

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(self.declared, WordOr):
            return _alone(self.declared).run_validation(data)
        if data == self.declared.word:
            return data
        for declared in self.declared.types:
            if isinstance(data, Mapping if isinstance(declared, Group) else list):
                return _alone(declared).run_validation(data)
        raise serializers.ValidationError(f"Must be {self.declared.form}.")

    def to_representation(self, value: Any) -> Any:
        return value


class ForeignField(serializers.JSONField):
    """JSON in somebody else's form, kept as it is given; the error says where it is wrong."""

    def __init__(self, declared: Foreign, **options: Any) -> None:
        super().__init__(**options)
        self.declared = declared

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if problem := self.declared.wrong(value):
            raise serializers.ValidationError(": ".join(filter(None, problem)))
        return value


class ForeignSchema(OpenApiSerializerFieldExtension):
    """How a ForeignField stands in OpenAPI."""

    target_class = ForeignField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict:
        return dict(self.target.declared.schema)


class SpokenTextField(serializers.Field):
    """A text, or an object of a text for each language code; a PATCH too replaces it whole."""

    def __init__(self, declared: Text, **options: Any) -> None:
        super().__init__(**options)
        self.text = _field(declared)
        self.texts = serializers.DictField(
            child=_field(dataclasses.replace(declared, blank=False)), allow_empty=False
        )

    def to_internal_value(self, data: Any) -> str | dict[str, str]:
        if not isinstance(data, Mapping):
            return self.text.run_validation(data)
        language = _field(Named("language"))
        texts = self.texts.run_validation(dict(data))
        return {language.run_validation(code): text for code, text in texts.items()}

    def to_representation(self, value: Any) -> Any:
        return value


class SpokenTextSchema(OpenApiSerializerFieldExtension):
    """How a SpokenTextField stands in OpenAPI."""

    target_class = SpokenTextField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict:
        fields = (self.target.text, self.target.texts)
        return {"oneOf": [auto_schema._map_serializer_field(each, direction) for each in fields]}


def _alone(declared: Type) -> serializers.Field:
    """A field without a parent, of which a PATCH may leave nothing out."""
    if isinstance(declared, Group):
        return _serializer_of(declared)()
    if isinstance(declared, ListOf):
        return (_DistinctList if declared.distinct else serializers.ListField)(
            child=_alone(declared.item),
            allow_empty=declared.empty,
            max_length=declared.longest,
        )
    return _field(declared)


@cache
def _serializer_of(group: Group) -> type["_GroupSerializer"]:
    """The group's serializer, of which OpenAPI makes a component."""
    parts = {part.name: field_of(part) for part in group.parts}
    return type(
        group.name, (_GroupSerializer,), parts | {"__doc__": group.about, "declared": group}
    )


class _GroupSerializer(KnownFieldsOnly):
    declared: Group

    def validate(self, data: dict) -> dict:
        """The parts as JSON holds them, if they keep the group's rules."""
        if problems := broken_rules(data, self.declared.rules):
            raise serializers.ValidationError({part: [wrong] for part, wrong in problems})
        return {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in data.items()
        }


class _DistinctList(serializers.ListField):
    def to_internal_value(self, data: Any) -> list:
        values = super().to_internal_value(data)
        if twice := [value for value, times in Counter(values).items() if times > 1]:
            raise serializers.ValidationError(f"Given twice: {some(twice)}.")
        return values


class WholeValueSchema(OpenApiSerializerFieldExtension):
    """How a WholeValue stands in OpenAPI."""

    target_class = WholeValue

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict:
        declared = self.target.declared
        if not isinstance(declared, WordOr):
            schema = auto_schema._map_serializer_field(_alone(declared), direction)
            longest = declared.longest if isinstance(declared, ListOf) else None
            return schema | {"maxItems": longest} if longest else schema
        forms: list[dict] = [{"type": "string", "enum": [declared.word]}]
        for field in map(_alone, declared.types):
            if isinstance(field, _GroupSerializer):
                form = auto_schema._map_serializer(field, direction)
                forms.append(form | {"additionalProperties": False})
            else:
                forms.append(auto_schema._map_serializer_field(field, direction))
        return {"oneOf": forms}
