"""A forgotten password: the site mails a link, and tells nobody who has an account.

The page looks nobody up: the queue's worker does, so its answer is the same, in the same time,
whether or not there is such an account.
"""

import logging

from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from unfold.widgets import BASE_INPUT_CLASSES

from annotation.accounts.celery_tasks import mail_link
from annotation.accounts.lockout import address_of
from annotation.links import link_of

log = logging.getLogger(__name__)


class ForgottenForm(forms.Form):
    """Who has forgotten it."""

    name = forms.CharField(
        label="Your user name or mail address",
        max_length=254,
        widget=forms.TextInput(
            attrs={"class": " ".join(BASE_INPUT_CLASSES), "autocomplete": "username"}
        ),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """The form, where the site sends mails; else whom to ask."""
    form = ForgottenForm(request.POST or None)
    context = admin.site.each_context(request) | {
        "title": "A new password",
        "form": form,
        "sends_mail": settings.MAIL_SERVER is not None,
    }
    status = 200
    if request.method == "POST" and settings.MAIL_SERVER and form.is_valid():
        context["asked"], status = _ask(request, form.cleaned_data["name"])
    elif request.method == "POST":
        status = 422
    return TemplateResponse(request, "accounts/forgotten.html", context, status=status)


def _ask(request: HttpRequest, name: str) -> tuple[str, int]:
    """Have the link mailed; what to tell whoever asks, and the status."""
    if not ratelimit.consume(request, action="forgotten_by_address", key=address_of(request)):
        return "too many", 429
    if ratelimit.consume(request, action="forgotten_by_name", key=name.lower()):
        try:
            mail_link.delay(name, link_of(request, reverse("account_link", args=["SECRET"])))
        except (OperationalError, RedisError, OSError) as error:
            log.warning("A mail was asked for and no queue takes it: %s", error)
            return "no queue", 503
    return "sent", 200
