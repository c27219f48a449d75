"""The form for the texts that workers read about a label: one name or address a line."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from imagesets.models import Label


class LinesField(forms.CharField):
    """A list of texts, one a line, which may contain commas ("maillot, tank suit")."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = value if isinstance(value, list) else (value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


class LabelForm(forms.ModelForm):
    """Names, definition, Wikipedia addresses and superclass of a label, but not its key."""

    names = LinesField(help_text="One name a line; workers see all, in this order.")
    wikipedia = LinesField(required=False, help_text="One full address (https://...) a line.")

    class Meta:
        model = Label
        fields = ("names", "definition", "wikipedia", "superclass")

    def clean_wikipedia(self) -> list[str]:
        addresses = self.cleaned_data["wikipedia"]
        check = forms.URLField(max_length=500, assume_scheme="https")
        for address in addresses:
            check.clean(address)
        return addresses
