"""The form of a draft campaign: the API's validator behind Django's widgets."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from annotation.admin.widgets import FormWithDataset
from annotation.api.serializers import CampaignSerializer, one_line
from tasks.crowds import CROWDS, crowd_named
from tasks.models import Campaign

FIELDS = [
    name
    for name in CampaignSerializer.Meta.fields
    if name not in CampaignSerializer.Meta.read_only_fields
]


MONEY = ("wage", "reward", "budget")


class CampaignForm(FormWithDataset):
    """Fields as in the API, checked by its serializer, so that there is one set of rules."""

    crowd = forms.ChoiceField(
        choices=[(name, name) for name in CROWDS],
        initial="local",
        widget=UnfoldAdminSelectWidget,
        help_text=" ".join(f"{name}: {crowd_named(name).about}" for name in CROWDS),
    )

    class Meta:
        model = Campaign
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Made of the name where empty."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        data = {name: cleaned[name] for name in self.Meta.fields if name in cleaned}
        for name in ("dataset", "source"):
            data[name] = data[name].slug if data.get(name) else None
        data["min_relative_sf"] = float(data["min_relative_sf"])
        for name in MONEY:
            data[name] = None if data[name] is None else f"{data[name]:.2f}"
        for name in ("slug", "follow_up"):
            if data[name] in (None, ""):
                del data[name]
        for name in ("controls", "qualifications"):
            if data[name] is None:  # left empty: as it is
                del data[name], cleaned[name]
        checked = CampaignSerializer(self.instance if self.instance.pk else None, data=data)
        if checked.is_valid():
            return cleaned | checked.validated_data
        for name, errors in checked.errors.items():
            self.add_error(name if name in self.fields else None, one_line(errors))
        return cleaned
