"""The form for the texts that workers read about a label: one name or address a line."""

from typing import Any

from django import forms
from django.conf.locale import LANG_INFO
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
    """What a label's workers read, in each language, and its superclass, but not its key."""

    names = LinesField(help_text="One name a line; workers see all, in this order.")
    wikipedia = LinesField(required=False, help_text="One full address (https://...) a line.")

    class Meta:
        model = Label
        fields = ("names", "definition", "translations", "wikipedia", "superclass")

    def clean_translations(self) -> dict[str, dict[str, Any]]:
        translations = self.cleaned_data["translations"] or {}
        if not isinstance(translations, dict) or not all(map(_is_text, translations.items())):
            raise forms.ValidationError(
                'Must be as {"de": {"names": ["Katze"], "definition": "ein Haustier"}}, with codes'
                " of languages."
            )
        return translations

    def clean_wikipedia(self) -> list[str]:
        addresses = self.cleaned_data["wikipedia"]
        check = forms.URLField(max_length=500, assume_scheme="https")
        for address in addresses:
            check.clean(address)
        return addresses


def _is_text(translation: tuple[str, Any]) -> bool:
    """Whether it is a language's code, with names, a definition or both."""
    code, texts = translation
    if code not in LANG_INFO or not isinstance(texts, dict) or not texts:
        return False
    names, definition = texts.get("names", ["?"]), texts.get("definition", "?")
    return (
        texts.keys() <= {"names", "definition"}
        and isinstance(names, list)
        and bool(names)
        and all(isinstance(text, str) and text.strip() for text in [*names, definition])
    )
