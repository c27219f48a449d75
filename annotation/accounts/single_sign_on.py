"""Single sign-on by OpenID Connect, where OIDC_ISSUER names a provider; allauth speaks to it.

An account is found by the provider and its own id of the person (`sub`), never by a mail address.
Whoever has no account gets one by an owner's link, with its role; or, if their verified address is
of a domain in OIDC_DOMAINS, one without a role.
"""

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import generate_unique_username
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from annotation.accounts import links
from annotation.links import link_of
from annotation.rights import VIEW, may_somewhere
from annotation.rights.granting import record

log = logging.getLogger(__name__)

STEPS = (AuthProcess.LOGIN, AuthProcess.CONNECT)
LINK = "account_link"  # in the session: the secret of the link by which somebody came
REFUSED = "You cannot come in this way"


def provider_name() -> str:
    """What the button says; "" where no provider is configured."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""


class Checking(OpenIDConnectOAuth2Adapter):
    """allauth's adapter, which also checks what its trust in TLS leaves unchecked.

    The signature of the ID token, by the provider's public keys alone; that the token is this
    issuer's; and that what else the provider says (userinfo) is about the same person.
    """

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return link_of(request, reverse("account_callback"))

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> Any:
        try:
            login = super().complete_login(request, app, token, **kwargs)
            data = login.account.extra_data
            about, told = data["id_token"]["sub"], data.get("userinfo", data["id_token"])["sub"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OAuth2Error("The provider's answer cannot be read.") from error
        if not about or told != about:
            raise OAuth2Error("The provider's userinfo is about somebody else.")
        return login

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict:
        config = self.openid_config
        if config["issuer"].rstrip("/") != settings.OIDC_ISSUER.rstrip("/"):
            raise OAuth2Error("The provider names another issuer.")
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=config["jwks_uri"],
            issuer=config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


class Entry(DefaultSocialAccountAdapter):
    """Who comes in: somebody known, somebody with a link, somebody of a domain; nobody else."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: Any = None) -> Any:
        found = super().get_provider(request, provider, client_id)
        found.oauth2_adapter_class = Checking
        return found

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        secret = request.session.pop(LINK, "")
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        if not sociallogin.is_existing:
            self._make_account(request, sociallogin, secret)
        account: Any = get_user_model().objects.get(pk=sociallogin.user.pk)
        if not account.is_active:
            raise stopped(request, REFUSED, "This account is not active. Ask an owner of the site.")
        if not may_somewhere(account, VIEW) and not self._takes_role(request, account, secret):
            raise stopped(
                request,
                "No role yet",
                f"The site knows you as {account.get_username()}, and you have no role yet. Ask an"
                " owner of the site, who told you of it, to give this account one; then come back.",
            )

    def _make_account(self, request: HttpRequest, login: SocialLogin, secret: str) -> None:
        """A new account for somebody whom a link or their domain lets in, and nobody else's."""
        told = login.account.extra_data
        claims = told.get("userinfo") or told.get("id_token") or {}
        verified = [each.email for each in login.email_addresses if each.verified]
        with transaction.atomic():
            try:
                if secret:
                    links.opened(secret, lock=True)
                elif not any(map(is_of_our_domain, verified)):
                    raise links.BadLink(
                        "You have no account here. Ask an owner of the site for a link that makes"
                        " you one, and come in by that link."
                    )
                names = [str(claims.get("preferred_username") or ""), *verified, "colleague"]
                account = get_user_model()(
                    username=generate_unique_username(names),
                    email=verified[0] if verified else "",
                    first_name=str(claims.get("given_name") or "")[:150],
                    last_name=str(claims.get("family_name") or "")[:150],
                )
                account.set_unusable_password()
                account.save()
                if secret:
                    links.take_role(secret, account, is_new=True)
                    login.state["next"] = reverse("admin:index")
                else:
                    record(f"{settings.OIDC_NAME} (single sign-on)", account, "got an account")
            except links.BadLink as bad:
                raise stopped(request, REFUSED, str(bad)) from None
            login.connect(request, account)

    def _takes_role(self, request: HttpRequest, account: Any, secret: str) -> bool:
        """Whether the link by which they came gives a role to an account that has none."""
        try:
            links.take_role(secret, account)
        except links.BadLink:
            return False
        return True

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, exception: Any = None, **kwargs: Any
    ) -> None:
        """A page for whatever goes wrong on the way; what it was stands in the log."""
        log.warning("A single sign-on failed: %s", exception or kwargs.get("error"))
        raise stopped(
            request,
            "The login did not succeed",
            f"{settings.OIDC_NAME} did not log you in, or you came back too late. Try again; if it"
            " fails again, tell an owner of the site.",
        )


def is_of_our_domain(address: str) -> bool:
    """Whether OIDC_DOMAINS lets in whoever has this address."""
    domain = address.rpartition("@")[2].lower()
    return bool(domain) and (domain in settings.OIDC_DOMAINS or "*" in settings.OIDC_DOMAINS)


def stopped(request: HttpRequest, title: str, sentence: str) -> ImmediateHttpResponse:
    """The end of a login that leads to no session, as a page."""
    frame = admin.site.each_context(request) | {"title": title, "sentence": sentence}
    return ImmediateHttpResponse(render(request, "accounts/link.html", frame, status=403))


@require_POST
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Go to the provider, and keep the link by which somebody came until they are back.

    By a page and not by a redirect, which the page's own policy (form-action) would not let a form
    follow to another host.
    """
    if not settings.OIDC_ISSUER or request.GET or request.POST.get("process") not in STEPS:
        raise Http404
    request.session[LINK] = request.POST.get("link", "")[:100]
    try:
        answer = OAuth2LoginView.adapter_view(Checking(request, settings.OIDC_PROVIDER))(request)
    except RequestException:
        sentence = f"{settings.OIDC_NAME} does not answer. Try again in a few minutes."
        return stopped(request, "The login did not begin", sentence).response
    if answer.status_code != 302:
        return answer
    return render(request, "accounts/to_provider.html", {"address": answer["Location"]})


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Where the provider sends people back."""
    if not settings.OIDC_ISSUER:
        raise Http404
    return OAuth2CallbackView.adapter_view(Checking(request, settings.OIDC_PROVIDER))(request)
