"""Admin steps that change more than a row: a page says what will happen, and asks first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from annotation.admin.widgets import page_of
from tasks.campaigns.publish import NotYetTold
from tasks.models.refused import Refused


class AskWhy(forms.Form):
    """The reason, for the log."""

    why = forms.CharField(
        label="Why", required=False, max_length=2000, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )


class AskNumberAndWhy(AskWhy):
    """The number that the step is about, typed out: nobody confirms it from habit."""

    number = forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget)

    def __init__(self, *args: Any, expected: int, of_what: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["number"].label = f"Type the number of {of_what}"

    def clean_number(self) -> int:
        typed = self.cleaned_data["number"]
        if typed != self.expected:
            raise forms.ValidationError(f"It is {self.expected:,}, not {typed:,}.")
        return typed


@dataclass
class Step:
    """What a step does to a row, in the words of the step's page."""

    title: str
    consequences: list[str]
    button: str
    form: type[forms.Form] = forms.Form
    form_options: dict[str, Any] = field(default_factory=dict)
    danger: bool = False


def ask_first(
    admin: ModelAdmin,
    request: HttpRequest,
    row: Model,
    step: Step,
    take: Callable[[dict[str, Any]], str | HttpResponse],
) -> HttpResponse:
    """GET: the step's page. POST of a valid form: take the step, say what it did, go back.

    `take` gets the form's values and returns that sentence, or a page of its own. Where it raises
    NotYetTold the step was taken, and the row's page warns of what is still to come; at any other
    Refused the step's page comes again with the reason.
    """
    form = step.form(request.POST if request.method == "POST" else None, **step.form_options)
    meta = admin.opts
    back = page_of(row)
    if request.method == "POST" and form.is_valid():
        try:
            done = take(form.cleaned_data)
            if isinstance(done, HttpResponse):
                return done
            messages.success(request, done)
            return HttpResponseRedirect(back)
        except NotYetTold as warning:
            messages.warning(request, capfirst(str(warning)))
            return HttpResponseRedirect(back)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        **admin.admin_site.each_context(request),
        "title": step.title,
        "opts": meta,
        "original": row,
        "step": step,
        "form": form,
        "back": back,
    }
    return TemplateResponse(
        request,
        "admin/tasks/step.html",
        context,
        status=422 if request.method == "POST" else 200,
    )
