"""Accounts, roles, API tokens, and the log of their changes."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from knox.models import AuthToken
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from annotation.admin.widgets import History, Lists, link_to
from annotation.models import Grant, LoginPolicy, RightsChange, Token
from annotation.rights import OWN, RAW_WORKERS, SPEND, SUPERUSER, VIEW, allowed, may, may_somewhere
from annotation.rights.granting import (
    has_all_rights_of,
    record,
    revoke,
    save_grant,
    take_back,
)
from tasks.models import Campaign

for model in (
    Authenticator,
    AuthToken,
    EmailAddress,
    Group,
    SocialAccount,
    SocialApp,
    SocialToken,
    User,
):  # roles stand in the place of groups
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Lists):  # type: ignore[misc]  # stubs of lookup_allowed
    """Accounts. Nobody changes one, or its password, that has a right which they lack."""

    sees = OWN
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "name", "roles", "is_active", "last_login"]
    list_filter = ["is_active"]
    filter_horizontal = ()
    readonly_fields = ["roles", "own_password", "last_login", "date_joined"]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> list:
        if obj is None:
            return self.add_fieldsets
        fields = ["username", "first_name", "last_name", "email", "is_active", "roles"]
        fields += ["is_superuser"] if may(request.user, SUPERUSER) else []
        fields += ["own_password"] if self.has_change_permission(request, obj) else []
        return [(None, {"fields": [*fields, "last_login", "date_joined"]})]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grants__campaign")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or has_all_rights_of(request.user, obj)
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        who = request.user.get_username()
        if not change:
            record(who, obj, "got an account")
        for field in {"is_active", "is_superuser"} & set(form.changed_data if change else ()):
            record(who, obj, f"{field.replace('is_', '')}: {getattr(obj, field)}".lower())

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        before = self.row(request, id).password
        response = super().user_change_password(request, id, form_url)
        after = self.row(request, id)
        if after.password != before:
            record(request.user.get_username(), after, "got another password")
        return response

    @display(description="name")
    def name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @display(description="roles")
    def roles(self, user: User) -> str:
        if user.is_superuser:
            return "superuser: all rights"
        links = format_html_join(", ", "{}", ((link_to(grant),) for grant in user.grants.all()))
        address = f"{reverse('admin:annotation_grant_add')}?{urlencode({'user': user.username})}"
        add = format_html('<a class="underline" href="{}">give a role</a>', address)
        return format_html("{}; {}", links or "none", add)

    @display(description="password")
    def own_password(self, user: User) -> str:
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="underline" href="{}">Set another password</a>', address)


class GrantForm(forms.ModelForm):
    """A role for somebody; nobody gives what they do not have. `giver`: who fills it in."""

    giver: Any
    user = forms.ModelChoiceField(
        get_user_model().objects.all(),
        to_field_name="username",
        help_text="Their user name.",
        widget=UnfoldAdminTextInputWidget,
        error_messages={"invalid_choice": "There is no account of that name: make it first."},
    )

    class Meta:
        model = Grant
        fields = ["user", "role", "campaign", "spend", "raw_workers"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        campaign = cleaned.get("campaign", self.instance.campaign)
        if not may(self.giver, OWN, campaign):
            self.add_error(None, "You may give roles only where you are an owner.")
        for name, right in (("spend", SPEND), ("raw_workers", RAW_WORKERS)):
            gives = cleaned.get(name) and not self.initial.get(name)
            if gives and not may(self.giver, right, campaign):
                self.add_error(name, "You do not have this permission there yourself.")
        return cleaned


@admin.register(Grant)
class GrantAdmin(Lists):
    """Who has which role where. Owners of a campaign give roles for it."""

    sees = OWN
    form = GrantForm
    list_display = ["user", "role", "where", "spend", "raw_workers", "given_at", "given_by"]
    list_display_links = ["user", "role"]
    list_filter = ["role", "spend", "raw_workers"]
    list_select_related = ["user", "campaign"]
    search_fields = ["user__username"]

    def get_readonly_fields(self, request: HttpRequest, obj: Grant | None = None) -> list[str]:
        return [] if obj is None else ["user", "campaign"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.giver = request.user
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = allowed(request.user, OWN, Campaign.objects.order_by("slug"))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.required = not may(request.user, OWN)
        field.empty_label = None if field.required else "The whole site"
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._has(request, "delete", obj)

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        save_grant(obj, request.user.get_username())

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        take_back(obj, request.user.get_username())

    @display(description="where", ordering="campaign__slug")
    def where(self, grant: Grant) -> str:
        return grant.campaign.slug if grant.campaign else "the whole site"


@admin.register(LoginPolicy)
class LoginPolicyAdmin(Lists):
    """What the site asks of every login: one row, which an owner of the site changes."""

    sees = OWN
    list_display = ["__str__", "second_factor"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LoginPolicy, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        RightsChange.objects.create(
            who=request.user.get_username(), whom="everybody", what=f"login: {obj}"
        )


@admin.register(Authenticator)
class AuthenticatorAdmin(History):
    """Second factors without their secrets; deleting lets somebody in who has lost theirs."""

    sees = OWN
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    fields = ["user", "type", "created_at", "last_used_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return self._has(request, "delete", obj) and (
            obj is None or has_all_rights_of(request.user, obj.user)
        )

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        record(request.user.get_username(), obj.user, f"lost their second factor ({obj.type})")
        obj.delete()


@admin.register(RightsChange)
class RightsChangeAdmin(History):
    sees = OWN
    list_display = ["at", "who", "whom", "what", "campaign"]
    list_select_related = ["campaign"]
    search_fields = ["who", "whom", "what"]


@admin.register(Token)
class TokenAdmin(Lists):
    """API tokens, where owners also see and revoke those of others; /admin/tokens/ makes them."""

    list_display = ["key", "user", "name", "for_what", "made", "expires"]
    list_select_related = ["auth_token__user"]
    search_fields = ["auth_token__user__username"]

    def get_queryset(self, request: HttpRequest) -> Any:
        tokens = Token.objects.select_related("auth_token__user")
        return tokens if may(request.user, OWN) else tokens.filter(auth_token__user=request.user.pk)

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> list[str]:
        return self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> list[str]:
        return self.list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return may_somewhere(request.user, VIEW)  # of those that get_queryset names

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_somewhere(request.user, VIEW)

    def delete_model(self, request: HttpRequest, obj: Token) -> None:
        revoke(obj, request.user.get_username())

    @display(description="token")
    def key(self, token: Token) -> str:
        return f"{token.auth_token.token_key}..."

    @display(description="user", ordering="auth_token__user__username")
    def user(self, token: Token) -> str:
        return token.auth_token.user.get_username()

    @display(description="for")
    def for_what(self, token: Token) -> str:
        return ", ".join(token.scopes)

    @display(description="made", ordering="auth_token__created")
    def made(self, token: Token) -> str:
        return f"{token.auth_token.created:%Y-%m-%d %H:%M}"

    @display(description="expires", ordering="auth_token__expiry")
    def expires(self, token: Token) -> str:
        expiry = token.auth_token.expiry
        return f"{expiry:%Y-%m-%d %H:%M}" if expiry else "never"
