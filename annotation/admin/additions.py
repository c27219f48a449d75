"""A step of a CONTAINS campaign: a draft that asks what a new classifier names beyond it."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from annotation.admin.guarded import Guarded
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import page_of
from annotation.api.additions import AdditionSerializer
from annotation.api.serializers import one_line
from annotation.rights import RESEARCH, may
from tasks.models.refused import Refused


class AskClassifier(forms.Form):
    """A classifier of the dataset."""

    classifier = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["classifier"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class AdditionSteps(Guarded):
    """Asks which classifier's labels are missing, and makes the draft."""

    def has_missing_permission(self, request: HttpRequest, object_id: str) -> bool:
        """As for any new campaign: on the whole site."""
        self.row(request, object_id)
        return may(request.user, RESEARCH)

    @action(description="Ask what is missing", permissions=["missing"], icon="playlist_add")
    def missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        names = campaign.dataset.classifiers.order_by("-created_at").values_list("name", flat=True)
        step = Step(
            title=f"Ask what {campaign.name} did not",
            consequences=[
                "It makes the draft of a campaign that asks the labels which a classifier names and"
                f" nobody judged in {campaign.slug}.",
                f"Its settings are those of {campaign.slug}; you can change them, and publish it"
                " when you like.",
                f"The report on {campaign.slug} then takes both campaigns.",
            ],
            button="Make the draft",
            form=AskClassifier,
            form_options={"names": list(names)},
        )

        def take(values: dict[str, Any]) -> HttpResponse:
            draft = AdditionSerializer(
                data={"missing_for": values["classifier"], "of": campaign.slug}
            )
            if not draft.is_valid():
                raise Refused(one_line(draft.errors))
            return HttpResponseRedirect(page_of(draft.save()))

        return ask_first(self, request, campaign, step, take)
