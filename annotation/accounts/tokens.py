"""One's own API tokens: made with a name, scopes and an expiry, shown once, listed, revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from annotation.links import link_of
from annotation.models import Scope, Token
from annotation.rights import OWN, VIEW, may, may_somewhere, visible
from annotation.rights.granting import make_token, revoke, trouble_with
from annotation.rights.rules import refusal
from imagesets.clock import database_now
from tasks.models import Assignment, Campaign

DAYS = 90


class TokenForm(forms.Form):
    """What a new token is for, may do, and how long."""

    name = forms.CharField(
        max_length=100,
        label="What for",
        help_text="So that you know it again in the list: notebook on my laptop.",
        widget=UnfoldAdminTextInputWidget,
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        label="It may",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what it may do."},
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36_500,
        initial=DAYS,
        label="Days until it expires",
        help_text="Empty: it does not expire.",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean_scopes(self) -> list[str]:
        scopes = self.cleaned_data["scopes"]
        if trouble := trouble_with(scopes):
            raise forms.ValidationError(trouble)
        return scopes


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list and the form. POST makes a token and shows it this once, or revokes one."""
    if not may_somewhere(request.user, VIEW):
        raise PermissionDenied(refusal(VIEW))
    if request.method == "POST" and "revoke" in request.POST:
        return _revoked(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _made(request, form.cleaned_data)
    context = admin.site.each_context(request) | {
        "title": "API tokens",
        "form": form,
        "tokens": Token.objects.filter(auth_token__user=request.user.pk).select_related(
            "auth_token"
        ),
        "now": database_now(),
        "sees_all": may(request.user, OWN),
    }
    status = 422 if request.method == "POST" else 200
    return TemplateResponse(request, "accounts/tokens.html", context, status=status)


def _made(request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
    user: Any = request.user
    who = user.get_username()
    token, key = make_token(user, asked["scopes"], asked["days"], who, asked["name"])
    context = admin.site.each_context(request) | {
        "title": "Your new API token",
        "made": token,
        "token": key,
        "back": reverse("tokens"),
        **_example(request),
    }
    return TemplateResponse(request, "accounts/new_token.html", context)


def _example(request: HttpRequest) -> dict[str, Any]:
    """A table to read with it: of the newest campaign with answers that the visitor sees."""
    campaigns = visible(request.user, Campaign.objects.order_by("-pk"))
    answers = Assignment.objects.filter(campaign=OuterRef("pk"), submitted_at__isnull=False)
    campaign = campaigns.filter(Exists(answers)).first() or campaigns.first()
    slug = campaign.slug if campaign else "SLUG"
    address = reverse("api-export", args=[slug, "judgments", "csv"])
    return {"campaign": campaign, "address": link_of(request, address)}


def _revoked(request: HttpRequest) -> HttpResponse:
    number = request.POST["revoke"]
    own = Token.objects.filter(auth_token__user=request.user.pk)
    token = own.filter(pk=number).first() if number.isdecimal() and len(number) < 19 else None
    if token is None:
        raise Http404
    revoke(token, request.user.get_username())
    messages.success(request, f"The token {token.name or token.auth_token.token_key} is revoked.")
    return HttpResponseRedirect(reverse("tokens"))


urlpatterns = [path("admin/tokens/", tokens, name="tokens")]
