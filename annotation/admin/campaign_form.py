"""The form of a draft campaign: the API's validator behind Django's widgets."""

from typing import Any

from annotation.admin.pages import FormWithDataset
from annotation.api.serializers import CampaignSerializer, one_line
from tasks.models import Campaign

FIELDS = [
    name
    for name in CampaignSerializer.Meta.fields
    if name not in CampaignSerializer.Meta.read_only_fields
]


class CampaignForm(FormWithDataset):
    """Fields as in the API, checked by its serializer, so that there is one set of rules."""

    class Meta:
        model = Campaign
        fields = [name for name in FIELDS if name != "crowd"]

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
        for name in ("slug", "follow_up"):
            if data[name] in (None, ""):
                del data[name]
        checked = CampaignSerializer(self.instance if self.instance.pk else None, data=data)
        if checked.is_valid():
            return cleaned | checked.validated_data
        for name, errors in checked.errors.items():
            self.add_error(name if name in self.fields else None, one_line(errors))
        return cleaned
