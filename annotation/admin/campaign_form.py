"""The form of a draft campaign: its declared settings behind Django's widgets."""

from typing import Any

from django import forms
from django.utils.text import slugify
from rest_framework.serializers import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget

from annotation.admin.widgets import FormWithDataset
from annotation.api.serializers import one_line
from annotation.api.setting_fields import SpokenTextField, WholeValue, field_of
from annotation.rights import SPEND, may, visible
from tasks import money
from tasks.campaigns.draft_checks import problems_of
from tasks.crowds import CROWDS, crowd_named
from tasks.models import Campaign
from tasks.models.campaign_settings import SETTINGS
from tasks.models.setting_types import Setting

LEFT_AS_IT_IS = ("controls", "qualifications", "languages")  # when their field is empty


def _help(setting: Setting) -> str:
    return f"{setting.where}: {setting.help}" if setting.where else setting.help


class CampaignForm(FormWithDataset):
    """A field for each setting, checked as by the API; `user`: who fills it in."""

    user: Any

    crowd = forms.ChoiceField(
        choices=[(name, name) for name in CROWDS],
        initial="local",
        widget=UnfoldAdminSelectWidget,
        help_text=" ".join(f"{name}: {crowd_named(name).about}" for name in CROWDS),
    )

    class Meta:
        model = Campaign
        fields = list(SETTINGS)
        labels = {name: setting.title for name, setting in SETTINGS.items()}
        help_texts = {name: _help(setting) for name, setting in SETTINGS.items()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"slug", *LEFT_AS_IT_IS} & self.fields.keys():
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in LEFT_AS_IT_IS:
            if cleaned.get(name, "") is None:
                del cleaned[name]
        for name, setting in SETTINGS.items():
            field = field_of(setting)
            if not isinstance(field, WholeValue | SpokenTextField) or name not in cleaned:
                continue
            if setting.null_is_default and cleaned[name] is None:
                continue
            try:
                cleaned[name] = field.run_validation(cleaned[name])
            except ValidationError as error:
                self.add_error(name, one_line(error.detail))
        if self.errors:
            return cleaned
        cleaned["slug"] = cleaned["slug"] or slugify(cleaned["name"])[:100]
        draft = self.instance if self.instance.pk else None
        values = {name: cleaned.get(name, getattr(self.instance, name, None)) for name in SETTINGS}
        campaigns = visible(self.user, Campaign.objects.all())
        for name, sentence in problems_of(values, campaigns, draft):
            field_name, _, part = name.partition(".")
            self.add_error(field_name, f"{part}: {sentence}" if part else sentence)
        if (
            draft
            and money.raises(self.initial["budget"], values["budget"])
            and not may(self.user, SPEND, draft)
        ):
            self.add_error("budget", "Raising it needs the permission spend.")
        return cleaned
