"""Invitations: making, listing and revoking them, and what happens when a worker begins with one.

The row of an invitation is locked before any worker's: of two browsers that race for the last use
one gets in. A link that replaces one that lapsed keeps its worker, where the browser knows them.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from imagesets.clock import Now
from tasks.crowds import BadVisit
from tasks.models import Arrival, Assignment, Campaign, Invitation, Transition, Worker
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import State
from tasks.models.refused import Refused

NAME = "local"
MOST = {"count": 10_000, "uses": 100_000, "days": 3650}  # of one call
NAMED_SALT = "tasks.invitation.named"

UNKNOWN = _(
    "This invitation is not valid. Copy the whole link, or ask whoever sent it to you for a new"
    " one."
)
OF_ANOTHER = _(
    "This invitation is for another study. Open the link as it was sent to you, or ask for a new"
    " one."
)
REVOKED = _(
    "This invitation was withdrawn, so it opens no more work. If you think that is a mistake, ask"
    " whoever sent it to you."
)
EXPIRED = _("This invitation has expired. Ask whoever sent it to you for a new one.")
USED_UP = _(
    "As many people as this invitation was meant for have begun with it. Ask whoever sent it to"
    " you for a new one."
)
NOT_OPEN = _(
    "This study gives out no work at present. Please come back later, using the same link."
)


@dataclass(frozen=True)
class Made:
    """A new invitation, and its link's path below the site's address: shown once, never kept."""

    invitation: Invitation
    path: str


def make(
    campaign: Campaign, who: str, count: int = 1, uses: int = 1, days: int | None = None
) -> list[Made]:
    """Make `count` invitations of `uses` workers each, which expire after `days` (None: never).

    Raises Refused, and makes none, if a number is out of bounds or nobody can come to the campaign.
    """
    for name, number in (("count", count), ("uses", uses), ("days", 1 if days is None else days)):
        if not 1 <= number <= MOST[name]:
            raise Refused(f"{name} must be 1 to {MOST[name]:,}, not {number:,}")
    if campaign.crowd != NAME:
        raise Refused(
            f"campaign {campaign.slug} is for the crowd {campaign.crowd}, which finds its own"
            f" people: only a campaign for the crowd {NAME} has invitations"
        )
    if campaign.state in (State.FINISHED, State.CLOSED):
        raise Refused(f"campaign {campaign.slug} is {campaign.state}: nobody can work on it")
    expires = None if days is None else Now() + timedelta(days=days)
    links = [Invitation.new_secret() for _ in range(count)]
    with transaction.atomic():
        rows = Invitation.objects.bulk_create(
            Invitation(
                campaign=campaign,
                digest=Invitation.digest_of(secret),
                uses=uses,
                expires_at=expires,
                made_by=who,
            )
            for secret in links
        )
        Transition.objects.create(
            campaign=campaign,
            subject=f"invitations {rows[0].pk} to {rows[-1].pk}" if count > 1 else str(rows[0]),
            after="made",
            who=who,
            why=f"{count:,} of {uses:,} use{'s' if uses > 1 else ''}"
            + ("" if days is None else f", for {days:,} days"),
        )
    made = {row.pk: row for row in listed(campaign).filter(pk__in=[row.pk for row in rows])}
    return [
        Made(made[row.pk], path_of(campaign, secret))
        for row, secret in zip(rows, links, strict=True)
    ]


def named(campaign: Campaign, external_id: str) -> str:
    """The path of an invitation for the worker of that id, the same each time; made if missing."""
    key = f"{campaign.public_id}\0{external_id}"
    secret = salted_hmac(NAMED_SALT, key, algorithm="sha256").hexdigest()[:32]
    Invitation.objects.get_or_create(
        digest=Invitation.digest_of(secret),
        defaults={
            "campaign": campaign,
            "worker": Worker.of(NAME, external_id),
            "made_by": "the site",
        },
    )
    return path_of(campaign, secret)


def path_of(campaign: Campaign, secret: str) -> str:
    return f"{reverse('tasks:campaign', args=[campaign.public_id])}?invitation={secret}"


def listed(campaign: Campaign) -> QuerySet[Invitation]:
    """The campaign's invitations, the newest first."""
    return Invitation.objects.with_expiry().filter(campaign=campaign)


def state_of(invitation: Invitation) -> str:
    """revoked, expired, used up or open; the invitation comes `with_expiry`."""
    if invitation.revoked_at is not None:
        return "revoked"
    if invitation.has_expired:  # type: ignore[attr-defined]
        return "expired"
    return "used up" if invitation.used == invitation.uses else "open"


def revoke(campaign: Campaign, pk: int, who: str) -> bool:
    """Let the invitation open no new work; False: it was revoked before.

    Those who came by it keep the HIT that they have open. Raises Invitation.DoesNotExist.
    """
    with transaction.atomic():
        row = Invitation.objects.select_for_update().get(campaign=campaign, pk=pk)
        if row.revoked_at is not None:
            return False
        row.revoked_at = Now()
        row.save(update_fields=["revoked_at"])
        Transition.objects.create(
            campaign=campaign, subject=str(row), before="open", after="revoked", who=who
        )
        return True


# What the door asks


def find(secret: str, campaign: Campaign, lock: bool = False) -> Invitation:
    """The campaign's invitation with that secret. Raises BadVisit."""
    rows = Invitation.objects.with_expiry()
    if lock:  # and join nothing: whoever waits reads a joined row as it was before the wait
        rows = rows.select_for_update()
    invitation = rows.filter(digest=Invitation.digest_of(secret)).first()
    if invitation is None:
        raise BadVisit(UNKNOWN)
    if invitation.campaign_id != campaign.pk:
        raise BadVisit(OF_ANOTHER)
    return invitation


def trouble_with(invitation: Invitation) -> str:
    """Why it opens no new work for those who came by it, in a sentence; "" if it does."""
    return str({"revoked": REVOKED, "expired": EXPIRED}.get(state_of(invitation), ""))


def barred(campaign: Campaign, worker: Worker) -> str:
    """Why the invitation by which the worker came gives them no more HITs; "" if it does."""
    came_by = Invitation.objects.with_expiry().filter(
        arrivals__campaign=campaign, arrivals__worker=worker
    )
    invitation = came_by.first()
    return "" if invitation is None else trouble_with(invitation)


def bearer(invitation: Invitation, known: Worker | None) -> Worker | None:
    """The worker whom an opened invitation proves; None: somebody who may begin with it.

    One of a single use names its worker on any device; with one of many uses the browser's worker,
    `known`, goes on. Raises BadVisit if it gives no work.
    """
    worker = _begun_with(invitation, known)
    if worker is None:
        trouble = trouble_with(invitation) or (
            USED_UP if invitation.used == invitation.uses else ""
        )
    elif has_open_hit(invitation.campaign, worker):
        trouble = ""
    else:
        trouble = barred(invitation.campaign, worker)
    if trouble:
        raise BadVisit(trouble)
    return worker or invitation.worker


def begins_as(invitation: Invitation, known: Worker | None) -> Worker | None:
    """Who begins with the invitation: its worker, or the browser's; None: somebody new.

    A browser's worker whom another link of one use names has no need of this one. Raises BadVisit.
    """
    worker = bearer(invitation, known)
    if worker is None and known is not None and not _has_own_link(invitation.campaign, known):
        return known
    return worker


def redeem(
    secret: str, campaign: Campaign, known: Worker | None, new_id: str, network: str
) -> Worker:
    """The worker who begins with an invitation: its own, the browser's, or a new one of that id.

    The first Begin of a worker uses it up by one. Raises BadVisit.
    """
    with transaction.atomic():
        invitation = find(secret, campaign, lock=True)
        known = known or Worker.objects.filter(crowd=NAME, external_id=new_id).first()
        if known is not None:
            Worker.objects.select_for_update().get(pk=known.pk)
        worker = begins_as(invitation, known)
        if _begun_with(invitation, known) is not None:
            assert worker is not None
            return worker
        if campaign.state != State.OPEN:
            raise BadVisit(NOT_OPEN)
        worker = worker or Worker.of(NAME, new_id)
        Invitation.objects.filter(pk=invitation.pk).update(
            used=F("used") + 1, worker=worker if invitation.uses == 1 else None
        )
        Arrival.objects.update_or_create(
            campaign=campaign,
            worker=worker,
            defaults={"invitation": invitation, "network": network, "is_visitor": False},
        )
        return worker


def _begun_with(invitation: Invitation, known: Worker | None) -> Worker | None:
    """The worker who has begun with the invitation; of many uses also who needs none of them."""
    if invitation.uses == 1:
        return invitation.worker if invitation.used else None
    if known is None:
        return None
    came = Arrival.objects.filter(campaign=invitation.campaign_id, worker=known)
    goes_on = invited_to(known).filter(campaign=invitation.campaign_id)
    return known if came.filter(invitation=invitation).exists() or goes_on.exists() else None


def _has_own_link(campaign: Campaign, worker: Worker) -> bool:
    """Whether a link of one use that still gives work names the worker."""
    own = Invitation.objects.filter(campaign=campaign, worker=worker, revoked_at=None)
    return own.exclude(expires_at__lte=Now()).exists()


def vouched(campaign: Campaign, worker: Worker) -> bool:
    """Whether the worker is one whom an invitation of a single use names."""
    return Invitation.objects.filter(campaign=campaign, worker=worker).exists()


def has_open_hit(campaign: Campaign, worker: Worker) -> bool:
    """Whether the worker has a HIT open that is still kept for them."""
    running = Assignment.objects.filter(
        campaign=campaign, worker=worker, state=AssignmentState.OPEN
    )
    return running.exclude(expires_at__lte=Now()).exists()


def invited_to(worker: Worker) -> QuerySet[Arrival]:
    """Where the worker has come by an invitation that still gives work."""
    return Arrival.objects.filter(
        worker=worker, invitation__isnull=False, invitation__revoked_at=None
    ).exclude(invitation__expires_at__lte=Now())
