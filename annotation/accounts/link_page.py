"""The page behind an account link: a new account with a role, or a new password."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import BaseUserCreationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import BASE_INPUT_CLASSES

from annotation.accounts import links
from annotation.accounts.single_sign_on import provider_name
from annotation.models import AccountLink
from annotation.rights import VIEW, may_somewhere

GOOD_PASSWORD = "At least 8 characters, and not one of the usual ones."
TAKEN = "Somebody has this user name already. Choose another one."
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Styled:
    """Fields in the look of the login page."""

    fields: dict[str, forms.Field]

    def style(self) -> None:
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)


class NewAccountForm(Styled, BaseUserCreationForm):
    """What a colleague chooses; their user name differs from others' by more than capitals."""

    class Meta(BaseUserCreationForm.Meta):
        model = get_user_model()
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = "Letters, digits and @ . + - _"
        self.fields["email"].label = "Mail address, if you like"
        self.fields["email"].help_text = "To set a new password if you lose yours."
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["password1"].help_text = GOOD_PASSWORD
        self.fields["password2"].help_text = ""
        self.style()

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if get_user_model().objects.filter(username__iexact=name).exists():
            raise ValidationError(TAKEN)
        return name


class NewPasswordForm(Styled, SetPasswordForm):
    """A new password, typed twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = GOOD_PASSWORD
        self.style()


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account_link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET changes nothing: mail programs open links to look what they are."""
    try:
        link = links.opened(secret)
        if link.account is not None:
            return _new_password(request, secret, link)
        if request.user.is_authenticated:
            return _more_roles(request, secret, link)
        return _new_account(request, secret, link)
    except links.BadLink as bad:
        return _page(request, "This link opens nothing", {"sentence": bad}, status=410)


def _new_account(request: HttpRequest, secret: str, link: AccountLink) -> HttpResponse:
    form = NewAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _enter(request, links.take_account(secret, form), link)
        except IntegrityError:  # another took the name at the same moment
            form.add_error("username", TAKEN)
    context = {
        "form": form,
        "link": link,
        "button": "Make my account",
        "log_in": f"{reverse('account_login')}?next={request.path}",
        "single_sign_on": provider_name(),
        "secret": secret,
    }
    return _page(request, "Make your account", context, _status(request))


def _more_roles(request: HttpRequest, secret: str, link: AccountLink) -> HttpResponse:
    """For somebody who is logged in: the role goes to their account."""
    if request.method == "POST":
        links.take_role(secret, request.user)
        return HttpResponseRedirect(_first_page(link))
    context = {"link": link, "button": f"Take the role as {request.user.get_username()}"}
    return _page(request, "Take a role", context)


def _new_password(request: HttpRequest, secret: str, link: AccountLink) -> HttpResponse:
    form = NewPasswordForm(link.account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _enter(request, links.take_password(secret, form), link)
    context = {"form": form, "link": link, "button": "Set the password"}
    return _page(request, "Choose a new password", context, _status(request))


def _enter(request: HttpRequest, account: Any, link: AccountLink) -> HttpResponse:
    """Log in, as after the right password: whoever has a second factor is asked for it."""
    if not may_somewhere(account, VIEW):
        sentence = "Your password is set. Your account has no role yet: ask an owner of the site."
        return _page(request, "No role yet", {"sentence": sentence})
    account.backend = BACKEND
    login = Login(user=account, redirect_url=_first_page(link))
    return perform_password_login(request, {}, login)


def _first_page(link: AccountLink) -> str:
    if link.campaign:
        return reverse("campaign-progress", args=[link.campaign.slug])
    return reverse("admin:index")


def _status(request: HttpRequest) -> int:
    return 422 if request.method == "POST" else 200


def _page(
    request: HttpRequest, title: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    frame = admin.site.each_context(request) | {"title": title}
    return TemplateResponse(request, "accounts/link.html", frame | context, status=status)
