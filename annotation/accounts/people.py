"""Who may do what: owners give and withdraw roles, and make links for colleagues.

/admin/people/ is about the whole site and its campaigns, /campaigns/{slug}/people/ about one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from annotation.accounts import links
from annotation.admin.accounts import GrantForm
from annotation.links import link_of
from annotation.models import Grant, Role
from annotation.rights import OWN, allowed, may, may_somewhere
from annotation.rights.granting import has_all_rights_of, save_grant, take_back
from annotation.rights.pages import needs
from annotation.rights.rules import refusal
from tasks.models import Campaign
from tasks.models.refused import Refused

FEW_LINKS = 50  # the newest


class GiveForm(GrantForm):
    """A role for an account, in the look of the site."""

    class Meta(GrantForm.Meta):
        widgets: ClassVar[dict[str, Any]] = {
            "role": UnfoldAdminSelectWidget,
            "campaign": UnfoldAdminSelectWidget,
            "spend": UnfoldBooleanWidget,
            "raw_workers": UnfoldBooleanWidget,
        }


class ChangeForm(GiveForm):
    """Another role in the place of one that somebody has."""

    user = None  # type: ignore[assignment]

    class Meta(GiveForm.Meta):
        fields = ["role", "spend", "raw_workers"]


class InviteForm(forms.Form):
    """What a link for a colleague gives."""

    role = forms.ChoiceField(
        choices=Role.choices, initial=Role.VIEWER, widget=UnfoldAdminSelectWidget
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, label="Where", widget=UnfoldAdminSelectWidget
    )
    days = forms.IntegerField(
        label="Days until it expires",
        initial=7,
        min_value=1,
        max_value=links.MOST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    note = forms.CharField(
        label="For whom",
        required=False,
        max_length=200,
        help_text="For your own list: the link's page does not show it.",
        widget=UnfoldAdminTextInputWidget,
    )


@dataclass(frozen=True)
class Person:
    """An account, with its roles as far as the page is about them."""

    account: Any
    grants: list[Grant]
    may_set_password: bool


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, for owners of the site; for owners of campaigns, who has a role for those."""
    if not may_somewhere(request.user, OWN):
        raise PermissionDenied(refusal(OWN))
    return _answer(request, None)


@needs(OWN, Campaign)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_people(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Who has a role for one campaign."""
    return _answer(request, campaign)


def _answer(request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
    page = Page(request, campaign)
    if request.method == "POST":
        return page.take(request.POST.get("do", ""))
    return page.shown()


class Page:
    """One visit to the page: what it shows, and the steps that its forms take."""

    def __init__(self, request: HttpRequest, campaign: Campaign | None) -> None:
        self.request, self.campaign = request, campaign
        self.user: Any = request.user
        self.who = self.user.get_username()
        self.address = (
            reverse("campaign-people", args=[campaign.slug]) if campaign else reverse("people")
        )
        self.is_site = may(self.user, OWN)

    # Steps

    def take(self, step: str) -> HttpResponse:
        """Take the step that a form names."""
        steps: dict[str, Callable[[], HttpResponse]] = {
            "give": self.give,
            "change": self.change,
            "withdraw": self.withdraw,
            "invite": self.invite,
            "password": self.password,
            "revoke": self.revoke,
        }
        if step not in steps:
            raise Http404
        return steps[step]()

    def give(self) -> HttpResponse:
        form = self.give_form(self._posted())
        if not form.is_valid():
            return self.shown(give=form)
        grant: Grant = form.save(commit=False)
        save_grant(grant, self.who)
        return self._done(f"{grant.user.get_username()} is now {grant}.")

    def change(self) -> HttpResponse:
        grant = self._row(self.grants())
        form = self.change_form(grant, self.request.POST)
        if not form.is_valid():
            return self.shown(changed=form)
        if form.has_changed():
            save_grant(form.save(commit=False), self.who)
        return self._done(f"{grant.user.get_username()} is now {grant}.")

    def withdraw(self) -> HttpResponse:
        grant = self._row(self.grants())
        take_back(grant, self.who)
        return self._done(f"{grant.user.get_username()} is no longer {grant}.")

    def invite(self) -> HttpResponse:
        form = self.invite_form(self._posted())
        if not form.is_valid():
            return self.shown(invite=form)
        asked = form.cleaned_data
        link, secret = links.invite(
            self.user, Role(asked["role"]), asked["campaign"], asked["days"], asked["note"]
        )
        where = f"campaign {link.campaign}" if link.campaign else "the whole site"
        return self._link(
            secret,
            "A link for your colleague",
            f"Whoever comes in by it becomes {link.role} of {where}. Send it to one person.",
            f"It works once, within {asked['days']} day{'s' if asked['days'] > 1 else ''}.",
        )

    def password(self) -> HttpResponse:
        if not self.is_site:
            raise PermissionDenied(refusal(OWN))
        account = self._row(get_user_model().objects.filter(is_active=True))
        try:
            _, secret = links.for_password(self.user, account)
        except Refused as refused:
            raise PermissionDenied(f"{refused}.") from None
        return self._link(
            secret,
            f"A link for a new password of {account.get_username()}",
            "Whoever opens it sets the password of this account: send it to nobody else.",
            f"It works once, within {links.PASSWORD_DAYS} days. A second factor stays as it is.",
        )

    def revoke(self) -> HttpResponse:
        link = self._row(links.listed(self.user, self.campaign))
        links.revoke(link, self.who)
        return self._done("The link was withdrawn: it opens nothing any more.")

    # What the page shows

    def shown(self, **filled: Any) -> HttpResponse:
        """The page; `filled`: the form that was refused, with its errors."""
        context = self._context(
            f"People of {self.campaign.name}" if self.campaign else "People and roles"
        ) | {
            "people": self.people(filled.get("changed")),
            "without": self.without_a_role(),
            "give": filled.get("give") or self.give_form(),
            "invite": filled.get("invite") or self.invite_form(),
            "links": self.links(),
        }
        status = 422 if filled else 200
        return TemplateResponse(self.request, "accounts/people.html", context, status=status)

    def people(self, changed: Any = None) -> list[Person]:
        """Those with a role, by name; owners of the site also see superusers."""
        by_account: dict[Any, list[Grant]] = {}
        for grant in self.grants().select_related("user", "campaign"):
            is_it = changed is not None and changed.instance.pk == grant.pk
            grant.form = changed if is_it else self.change_form(grant)  # type: ignore[attr-defined]
            by_account.setdefault(grant.user, []).append(grant)
        if self.is_site and not self.campaign:
            for account in get_user_model().objects.filter(is_superuser=True):
                by_account.setdefault(account, [])
        order = sorted(by_account, key=lambda account: account.get_username().lower())
        return [self._person(account, by_account[account]) for account in order]

    def without_a_role(self) -> list[Person]:
        """Accounts that see nothing yet, for owners of the site."""
        if self.campaign or not self.is_site:
            return []
        accounts = get_user_model().objects.filter(grants=None, is_superuser=False, is_active=True)
        return [self._person(account, []) for account in accounts.order_by("username")]

    def _person(self, account: Any, grants: list[Grant]) -> Person:
        mays = self.is_site and account.is_active and has_all_rights_of(self.user, account)
        return Person(account, grants, mays)

    def grants(self) -> Any:
        rows = allowed(self.user, OWN, Grant.objects.order_by("user__username", "id"))
        return rows.filter(campaign=self.campaign) if self.campaign else rows

    def links(self) -> list[dict[str, Any]]:
        """The newest links, with what they open now."""
        newest = links.listed(self.user, self.campaign).select_related("used_by")[:FEW_LINKS]
        return [{"row": link, "state": links.state_of(link)} for link in newest]

    # Forms; each knows who gives

    def give_form(self, data: Any = None) -> GiveForm:
        class Form(GiveForm):
            giver = self.user

        form = Form(data, initial={"user": self.request.GET.get("user", "")[:150]})
        self._where(form)
        return form

    def change_form(self, grant: Grant, data: Any = None) -> ChangeForm:
        class Form(ChangeForm):
            giver = self.user

        return Form(data, instance=grant, auto_id=f"id_{grant.pk}_%s")

    def invite_form(self, data: Any = None) -> InviteForm:
        form = InviteForm(data, auto_id="id_invite_%s")
        self._where(form)
        return form

    def _where(self, form: Any) -> None:
        """Let a form choose among the campaigns whose owner the visitor is, or name this one."""
        field = form.fields["campaign"]
        field.queryset = allowed(self.user, OWN, Campaign.objects.order_by("slug"))
        field.required = not self.is_site
        field.empty_label = None if field.required else "The whole site"
        field.label, field.help_text = "Where", ""
        if self.campaign:
            field.widget = forms.HiddenInput()
            form.initial["campaign"] = self.campaign.pk

    def _posted(self) -> Any:
        """The form as it was sent; on a campaign's page always about that campaign."""
        if not self.campaign:
            return self.request.POST
        data = self.request.POST.copy()
        data["campaign"] = str(self.campaign.pk)
        return data

    # Answers

    def _row(self, rows: Any) -> Any:
        """The row that a form names. Raises Http404."""
        number = self.request.POST.get("row", "")
        row = rows.filter(pk=number).first() if number.isdecimal() and len(number) < 19 else None
        if row is None:
            raise Http404
        return row

    def _done(self, sentence: str) -> HttpResponse:
        messages.success(self.request, sentence)
        return HttpResponseRedirect(self.address)

    def _link(self, secret: str, title: str, *sentences: str) -> HttpResponse:
        context = self._context(title) | {
            "link": link_of(self.request, links.path_of(secret)),
            "sentences": sentences,
        }
        return TemplateResponse(self.request, "accounts/new_link.html", context)

    def _context(self, title: str) -> dict[str, Any]:
        return admin.site.each_context(self.request) | {
            "title": title,
            "campaign": self.campaign,
            "address": self.address,
        }


urlpatterns = [
    path("admin/people/", people, name="people"),
    path("campaigns/<slug:slug>/people/", campaign_people, name="campaign-people"),
]
