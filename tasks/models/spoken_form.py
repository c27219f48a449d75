"""The form's field for a text that may be given by language: a box for all, and one for each."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe


class SpokenTextField(forms.MultiValueField):
    """A box for one text, and one for each language; `nothing` stands for no text at all."""

    def __init__(self, nothing: str | None, widget: Any = forms.Textarea, **options: Any) -> None:
        self.nothing = nothing
        boxes = [forms.CharField(required=False) for _ in range(1 + len(settings.LANGUAGES))]
        super().__init__(
            boxes, required=False, require_all_fields=False, widget=SpokenWidget(widget), **options
        )

    def compress(self, values: list[str]) -> str | dict[str, str] | None:
        text, *others = values or [""]
        codes = [code for code, _ in settings.LANGUAGES]
        spoken = {code: words for code, words in zip(codes, others, strict=False) if words}
        if text and spoken:
            raise ValidationError("Give one text for all languages, or one for each.")
        return spoken or text or self.nothing


class SpokenWidget(forms.MultiWidget):
    """The boxes: the first open, those for each language folded until one is filled in."""

    def __init__(self, box: Any) -> None:
        kind = box if isinstance(box, type) else type(box)
        languages = {
            code: kind(attrs={"rows": 3, "aria-label": name, "placeholder": name})
            for code, name in settings.LANGUAGES
        }
        super().__init__({"": kind(attrs={"rows": 3})} | languages)

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else id_

    def decompress(self, value: Any) -> list[str]:
        codes = [code for code, _ in settings.LANGUAGES]
        if isinstance(value, dict):
            return ["", *(value.get(code, "") for code in codes)]
        return [value or "", *("" for _ in codes)]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        boxes = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        first, *others = [
            self._render(box["template_name"], {"widget": box}, renderer)  # type: ignore[attr-defined]
            for box in boxes
        ]
        is_open = mark_safe(" open") if any(box["value"] for box in boxes[1:]) else ""
        inside = format_html_join("", "{}", ((box,) for box in others))
        return format_html(
            "{}<details{}><summary>One text for each language</summary>{}</details>",
            first,
            is_open,
            inside,
        )
