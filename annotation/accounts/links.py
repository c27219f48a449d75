"""Account links: an owner's to a colleague for a role, and those that set a new password.

Whether a link still opens anything is asked anew each time: also whether its maker, if they
lost rights since, may still give what it gives.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from annotation.models import AccountLink, Grant, RightsChange, Role
from annotation.rights import OWN, allowed, may, need
from annotation.rights.granting import give_at_least, has_all_rights_of, record
from imagesets.clock import Now
from tasks.models import Campaign
from tasks.models.refused import Refused

MOST_DAYS = 90
PASSWORD_DAYS = 2
BY_MAIL = timedelta(hours=1)
A_NEW_ONE = "Ask whoever sent it to you for a new one."
UNKNOWN = f"This link is not valid. Copy the whole link. {A_NEW_ONE}"
LAPSED = {
    "used": f"This link was used already, and works once. {A_NEW_ONE}",
    "revoked": f"This link was withdrawn. {A_NEW_ONE}",
    "expired": f"This link has expired. {A_NEW_ONE}",
}


class BadLink(Exception):
    """Why a link opens nothing, for whoever holds it."""


def state_of(link: AccountLink) -> str:
    """used, revoked, expired or open; the link comes `with_expiry`."""
    if link.used_at is not None:
        return "used"
    if link.revoked_at is not None or not _maker_may(link):
        return "revoked"
    return "expired" if link.has_expired else "open"  # type: ignore[attr-defined]


def _maker_may(link: AccountLink) -> bool:
    """Whether who made it may give today what it gives, and its account may log in."""
    if link.account is None:
        return may(link.made_by, OWN, link.campaign)
    if not link.account.is_active:
        return False
    return link.made_by is None or _may_set_password(link.made_by, link.account)


def _may_set_password(user: Any, account: Any) -> bool:
    return may(user, OWN) and has_all_rights_of(user, account)


def listed(user: Any, campaign: Campaign | None = None) -> QuerySet[AccountLink]:
    """The links that the user may revoke, the newest first; of one campaign, if it is given."""
    links = AccountLink.objects.with_expiry().select_related("made_by", "account", "campaign")
    theirs = allowed(user, OWN, links).filter(made_by__isnull=False)
    return theirs if campaign is None else theirs.filter(campaign=campaign)


# Making and revoking


@transaction.atomic
def invite(
    user: Any, role: Role, campaign: Campaign | None, days: int, note: str = ""
) -> tuple[AccountLink, str]:
    """A link that gives whoever comes by it that role there, and its secret, kept nowhere."""
    need(user, OWN, campaign)
    link, secret = _make(
        timedelta(days=days), made_by=user, role=role, campaign=campaign, note=note
    )
    where = f"campaign {campaign}" if campaign else "the whole site"
    what = f"makes one person {role} of {where}, for {days} day{'s' if days > 1 else ''}"
    RightsChange.objects.create(
        who=user.get_username(), whom=str(link), what=what, campaign=campaign
    )
    return link, secret


@transaction.atomic
def for_password(user: Any, account: Any) -> tuple[AccountLink, str]:
    """A link by which the account sets a new password, made by an owner."""
    if not _may_set_password(user, account):
        raise Refused(f"{account.get_username()} has rights that you do not have yourself")
    made = _make(timedelta(days=PASSWORD_DAYS), made_by=user, account=account)
    record(user.get_username(), account, f"got {made[0]} for a new password")
    return made


@transaction.atomic
def by_mail(account: Any) -> str:
    """The secret of a link that goes by mail to the account itself, in place of earlier ones."""
    _revoke(AccountLink.objects.filter(account=account, made_by=None))
    return _make(BY_MAIL, account=account)[1]


def _make(lasts: timedelta, **fields: Any) -> tuple[AccountLink, str]:
    secret = AccountLink.new_secret()
    digest = AccountLink.digest_of(secret)
    return AccountLink.objects.create(digest=digest, expires_at=Now() + lasts, **fields), secret


def path_of(secret: str) -> str:
    return reverse("account_link", args=[secret])


@transaction.atomic
def revoke(link: AccountLink, who: str) -> None:
    """Let the link open nothing any more."""
    if _revoke(AccountLink.objects.filter(pk=link.pk)):
        whom = link.account.get_username() if link.account else str(link)
        what = f"lost {link} for a new password" if link.account else "was revoked"
        RightsChange.objects.create(who=who, whom=whom, what=what, campaign=link.campaign)


def _revoke(links: QuerySet[AccountLink]) -> int:
    return links.filter(used_at=None, revoked_at=None).update(revoked_at=Now())


# Opening and using one


def opened(secret: str, lock: bool = False) -> AccountLink:
    """The open link with that secret. Raises BadLink."""
    links = AccountLink.objects.with_expiry()
    if lock:  # and join nothing: whoever waits reads a joined row as it was before the wait
        links = links.select_for_update()
    link = links.filter(digest=AccountLink.digest_of(secret)).first()
    if link is None:
        raise BadLink(UNKNOWN)
    if sentence := LAPSED.get(state_of(link)):
        raise BadLink(sentence)
    return link


@transaction.atomic
def take_account(secret: str, form: Any) -> Any:
    """Save the form of a new account, give it the role of the link, and use the link up.

    Returns the account. Raises BadLink.
    """
    opened(secret, lock=True)  # of two people with one link, one makes an account
    account = form.save()
    take_role(secret, account, is_new=True)
    return account


@transaction.atomic
def take_role(secret: str, account: Any, is_new: bool = False) -> None:
    """Give the role of the link to an account, and use the link up.

    `is_new`: the account was made for it, within the caller's transaction. Raises BadLink.
    """
    link = opened(secret, lock=True)
    if link.account is not None:
        raise BadLink(UNKNOWN)
    assert link.made_by is not None
    who = f"{link.made_by.get_username()} by {link}"
    if is_new:
        record(who, account, "got an account", link.campaign)
    elif _has(account, Role(link.role), link.campaign):
        raise BadLink("You have this role already, so the link is left for whom it was made for.")
    give_at_least(account, Role(link.role), who, link.campaign)
    _use(link, account)


def _has(account: Any, role: Role, campaign: Campaign | None) -> bool:
    """Whether the account has the role there, or a higher one."""
    roles = list(Role)
    held = Grant.objects.filter(user=account, campaign__in=[campaign] if campaign else [])
    held |= Grant.objects.filter(user=account, campaign=None)
    return account.is_superuser or any(
        roles.index(Role(grant.role)) >= roles.index(role) for grant in held
    )


@transaction.atomic
def take_password(secret: str, form: Any) -> Any:
    """Save the form of a new password for the account of the link, and use the link up.

    Other links for the account's password end with it. Returns the account. Raises BadLink.
    """
    link = opened(secret, lock=True)
    if link.account is None or link.account != form.user:
        raise BadLink(UNKNOWN)
    account = form.save()
    who = f"{link.made_by.get_username()} by {link}" if link.made_by else f"{link} by mail"
    record(who, account, "got another password")
    _use(link, account)
    _revoke(AccountLink.objects.filter(account=account))
    return account


def _use(link: AccountLink, account: Any) -> None:
    AccountLink.objects.filter(pk=link.pk).update(used_at=Now(), used_by=account)
