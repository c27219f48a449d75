"""The admin's form to register a classifier; it also takes the mapping as a CSV file."""

import json
import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from unfold.widgets import UnfoldAdminFileFieldWidget

from models_inference.classifiers.registration import faults
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.predictions.mapping_files import read_mapping


class JSONText(forms.JSONField):
    """JSON; anything that cannot be read (numbers of 5,000 digits, deep nesting) is an error."""

    def to_python(self, value: Any) -> Any:
        try:
            parsed = super().to_python(value)
            json.dumps(parsed, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Cannot be read as JSON: {error}.") from None
        return parsed

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            self.to_python(data)
        except forms.ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


class ClassifierForm(forms.ModelForm):
    """Architecture, weights, input and mapping, checked as in the API."""

    mapping_csv = forms.FileField(
        label="... or the mapping as a file",
        required=False,
        help_text="CSV: class,label (index from 0, key); several classes may share a label.",
        widget=UnfoldAdminFileFieldWidget,
    )
    may_read_server = False

    class Meta:
        model = Classifier
        fields = ("dataset", "name", "architecture", "weights", "input", "mapping")
        field_classes = {"input": JSONText, "mapping": JSONText}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        dataset = cleaned.get("dataset") or getattr(self.instance, "dataset", None)
        if self.errors or dataset is None or "architecture" not in cleaned:
            return cleaned
        if upload := cleaned.get("mapping_csv"):
            try:
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder) / "mapping.csv"
                    file.write_bytes(upload.read())
                    cleaned["mapping"] = read_mapping(dataset, file)
            except InferenceError as error:
                message = str(error).replace(f"{folder}/", "")
                raise forms.ValidationError({"mapping_csv": message}) from None
        mapping, input = cleaned.get("mapping"), cleaned.get("input")
        input = {} if input is None else input
        if mapping is not None and not (
            isinstance(mapping, list)
            and all(key is None or isinstance(key, str) for key in mapping)
        ):
            raise forms.ValidationError({"mapping": "Must be a list of label keys and nulls."})
        if not isinstance(input, dict):
            raise forms.ValidationError({"input": "Must be an object."})
        wrong = faults(
            dataset,
            cleaned["architecture"],
            cleaned.get("weights", ""),
            input,
            mapping,
            self.may_read_server,
        )
        if wrong:
            raise forms.ValidationError(dict(wrong))
        cleaned["input"] = input
        return cleaned
