"""What a sync found and did, and how it is told."""

from dataclasses import dataclass, field

from tasks.models import Campaign
from tasks.work.review import Reviewed
from tasks.work.rounds import state_told

NAMED = 3  # unknown HITs in one sentence


@dataclass
class Synced:
    """What a sync found and did."""

    busy: bool = False  # another one was running, and nothing was done
    fetched: int = 0
    expired: int = 0
    left: int = 0  # sessions whose workers have gone
    reviewed: Reviewed = field(default_factory=Reviewed)
    paid: int = 0
    offered_again: int = 0  # HITs that were gone
    given_up: int = 0  # likewise
    entered: int = 0  # bonuses
    paid_by_hand: int = 0  # payments, as somebody said
    left_unpaid: int = 0
    rejections_told: int = 0
    opened_round: int = 0  # its number; 0: none
    unconfirmed: str = ""  # why nothing was paid and offered: nobody confirmed real money
    state: str = ""
    short_of_money: str = ""  # what the budget does not carry (tasks/work/rounds.py)
    lost: str = ""  # which HITs are gone at the marketplace, and wait for a decision
    unpayable: str = ""  # what is owed for them, and waits for a decision
    unknown: list[str] = field(default_factory=list)  # the marketplace's HITs unknown to the site
    troubles: list[str] = field(default_factory=list)  # what the marketplace refused
    differences: list[str] = field(default_factory=list)  # between the two ledgers


def report(campaign: Campaign, done: Synced) -> list[str]:
    """What a sync did, in lines."""
    reviewed = done.reviewed
    parts = [
        (done.fetched, "reported by the marketplace"),
        (done.expired, "expired"),
        (done.left, "sessions over"),
        (reviewed.accepted, "accepted"),
        (reviewed.rejected, "rejected"),
        (reviewed.set_aside, "set aside"),
        (reviewed.stopped, "workers stopped"),
        (done.paid, "paid"),
        (done.offered_again, "HITs offered again"),
        (done.given_up, "HITs given up"),
        (done.entered, "bonuses entered"),
        (done.paid_by_hand, "recorded as paid by hand"),
        (done.left_unpaid, "left unpaid"),
    ]
    did = ", ".join(f"{number:,} {what}" for number, what in parts if number) or "nothing new"
    state = f"{state_told(campaign)}, round {campaign.round}"
    lines = [f"Campaign {campaign.slug} is {state}: {did}."]
    if done.opened_round:
        lines.append(f"Round {done.opened_round} was opened.")
    if done.unknown:
        some = ", ".join(done.unknown[:NAMED])
        more = f" and {len(done.unknown) - NAMED:,} more" if len(done.unknown) > NAMED else ""
        hits = "HITs that this site does not know and leaves as they are"
        if len(done.unknown) == 1:
            hits = "HIT that this site does not know and leaves as it is"
        lines.append(f"The marketplace has {len(done.unknown):,} {hits}: {some}{more}.")
    return lines + troubles_of(done)


def troubles_of(done: Synced) -> list[str]:
    """What went wrong, for a person to see to, in lines."""
    unconfirmed = [f"Nothing was paid or offered: {done.unconfirmed}."] if done.unconfirmed else []
    return unconfirmed + for_a_person(done)


def for_a_person(done: Synced) -> list[str]:
    """What a sync found that only a person can put right, in lines."""
    waiting = [f"{text[:1].upper()}{text[1:]}" for text in (done.lost, done.unpayable) if text]
    refused = [f"Refused by the marketplace: {text}" for text in done.troubles]
    differ = [f"The ledgers differ: {text}" for text in done.differences]
    return [*waiting, *refused, *differ]
