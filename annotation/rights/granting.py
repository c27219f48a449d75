"""Gives and takes roles, permissions and tokens, and logs each change."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from knox.models import AuthToken

from annotation.models import Grant, RightsChange, Role, Scope, Token
from annotation.rights.rules import SUPERUSER, may, rights_of
from imagesets.clock import database_now
from tasks.models import Campaign


def record(who: str, whom: Any, what: str, campaign: Campaign | None = None) -> None:
    """Log a change of what somebody may do."""
    RightsChange.objects.create(who=who, whom=whom.get_username(), what=what, campaign=campaign)


def has_all_rights_of(user: Any, other: Any) -> bool:
    """Whether the user has every right that the other has, and so gains none through them."""
    if other.is_superuser:
        return may(user, SUPERUSER)
    return all(
        may(user, right, grant.campaign)
        for grant in other.grants.all()
        for right in rights_of(grant)
    )


@transaction.atomic
def save_grant(grant: Grant, who: str) -> None:
    """Store a new or changed grant."""
    before = Grant.objects.filter(pk=grant.pk).select_related("campaign").first()
    grant.given_by, grant.given_at = who, database_now()
    grant.save()
    what = f"was {before}, is now {grant}" if before else f"became {grant}"
    record(who, grant.user, what, grant.campaign)


@transaction.atomic
def take_back(grant: Grant, who: str) -> None:
    """Delete a grant."""
    record(who, grant.user, f"is no longer {grant}", grant.campaign)
    grant.delete()


def give_at_least(user: Any, role: Role, who: str, campaign: Campaign | None = None) -> None:
    """Give the user this role there, unless they have it or a higher one.

    Without a campaign: on the whole site.
    """
    grants = Grant.objects.filter(user=user, campaign=campaign)
    grant = grants.first() or Grant(user=user, campaign=campaign)
    roles = list(Role)
    if not grant.role or roles.index(Role(grant.role)) < roles.index(role):
        grant.role = role
        save_grant(grant, who)


def trouble_with(scopes: Iterable[str]) -> str:
    """Why a token cannot have these scopes; "" if it can."""
    if unknown := set(scopes) - set(Scope.values):
        return f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(Scope.values)}."
    if {Scope.READ, Scope.WRITE}.isdisjoint(scopes):
        return "A token needs read or write: without them it opens nothing."
    return ""


@transaction.atomic
def make_token(
    user: Any, scopes: list[str], days: int | None, who: str, name: str = ""
) -> tuple[Token, str]:
    """A token that expires in so many days (None: never), and its key, which is kept nowhere."""
    expiry = None if days is None else timedelta(days=days)
    auth_token, key = AuthToken.objects.create(user=user, expiry=expiry)
    token = Token.objects.create(auth_token=auth_token, scopes=scopes, name=name)
    until = "that does not expire" if days is None else f"until {auth_token.expiry:%Y-%m-%d %H:%M}"
    text = f"got token {auth_token.token_key}... for {', '.join(scopes)}, {until}"
    record(who, user, text)
    return token, key


@transaction.atomic
def revoke(token: Token, who: str) -> None:
    """End a token's use at once."""
    auth_token = token.auth_token
    record(who, auth_token.user, f"lost token {auth_token.token_key}...")
    auth_token.delete()
