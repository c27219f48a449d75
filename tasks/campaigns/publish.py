"""Takes a campaign from a draft to places before its crowd; pauses, resumes and closes it."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from imagesets.clock import database_now
from tasks import money
from tasks.campaigns.choosing import withdrawn_images
from tasks.campaigns.freezing import Published, freeze, seed_of
from tasks.campaigns.pictures import make_pictures_ahead
from tasks.campaigns.practice import too_little_known
from tasks.celery_tasks import sync_campaign
from tasks.crowds import Crowd, CrowdError, crowd_of, is_production
from tasks.market.sync import PATIENCE, put_before_crowd
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.models.campaign_settings import missing_to_publish
from tasks.models.refused import Refused
from tasks.models.transition import IllegalTransition
from tasks.work.rounds import go_on_if_answered, open_round
from tasks.work.withdrawing import empty_or_fill

log = logging.getLogger(__name__)


class NotYetTold(Refused):
    """The step was taken, but the marketplace does not know yet; the message says when it will.

    Not an error, but a Refused, so that every page, reply and command shows it to the person.
    """


def publish(
    campaign: Campaign,
    who: str,
    production: bool = False,
    yes_spend: Decimal | None = None,
    tell: Callable[[Published], None] = lambda published: None,
    in_queue: bool = False,
    test: str = "",
) -> Published:
    """Put a draft before its crowd, or resume a paused campaign; an open one stays as it is.

    All or nothing. A campaign that spends real money needs `production`, and its whole budget as
    `yes_spend`. `tell` is called with what was laid out before anything is put before the crowd;
    `in_queue`: for a page, which waits for no long offer. `test`: an email address; the campaign is
    then offered to its test participant alone, and spends nothing before it is published without.
    Raises Refused naming everything that is missing, and NotYetTold.
    """
    campaign.refresh_from_db()
    crowd = crowd_of(campaign)
    market = crowd.marketplace or crowd.session_market
    balance, audience = None, ""
    if test:
        _may_be_tried(campaign, crowd, test)
    if campaign.state == State.DRAFT and market is not None and _suits(campaign, crowd):
        try:
            balance = market.balance(campaign)  # and so whether the marketplace can be reached
            audience = crowd.audience(campaign)
        except CrowdError as error:
            raise Refused(f"campaign {campaign.slug} cannot be published: {error}") from None
    real = is_production(campaign)
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        if not test and locked.state in (State.DRAFT, State.OPEN, State.PAUSED):
            money.confirm(locked, real, production, yes_spend, who)
        if locked.state in (State.OPEN, State.PAUSED):
            published = _summary(locked)
        else:
            published = _lay_down(locked)
            published.audience = audience
            _check_money(locked, published, balance if real else None)
            locked.published_at = database_now()
            locked.save(update_fields=["seed", "published_at"])
            locked.move_to(State.OPEN, who, f"{published.hits} HITs, {published.first_round}")
            open_round(locked, after=0, who=who)
            make_pictures_ahead(locked)
    with transaction.atomic():  # of images that were withdrawn while it was laid out
        empty_or_fill(Campaign.locked(campaign.pk), list(withdrawn_images(campaign)), who)
    campaign.refresh_from_db()
    if campaign.state == State.PAUSED:
        return resume(campaign, who, in_queue=in_queue)
    tell(published)
    if test:
        published.tests = _try_out(campaign, crowd, test)
        return published
    crowd.goes_live(campaign)
    tell_crowd(campaign, in_queue)
    return published


def _may_be_tried(campaign: Campaign, crowd: Crowd, email: str) -> None:
    """Raises Refused where it cannot be offered for a test, before anything is laid out."""
    try:
        crowd.tries_out()
        validate_email(email)
    except LookupError as error:
        raise Refused(f"campaign {campaign.slug} cannot be tested: {error}") from None
    except ValidationError:
        raise Refused(
            f"campaign {campaign.slug} cannot be tested: {email} is no email address"
        ) from None


def _try_out(campaign: Campaign, crowd: Crowd, email: str) -> list[str]:
    """Have it offered for a test. Returns where, in lines. Raises Refused."""
    try:
        return list(crowd.try_out(campaign, email))
    except CrowdError as error:
        raise Refused(
            f"campaign {campaign.slug} is {campaign.state} and offered to nobody, but it cannot be"
            f" tested: {error}"
        ) from None


def preview(campaign: Campaign) -> Published:
    """What publishing the draft would lay out and cost; keeps nothing. Raises Refused."""
    with on_trial(campaign) as (published, _):
        return published


@contextmanager
def on_trial(
    campaign: Campaign,
    change: Callable[[Campaign], object] = lambda draft: None,
    complete: bool = True,
) -> Iterator[tuple[Published, Campaign]]:
    """Lay a draft out as publishing would, to look at it; at the end all of it is undone.

    `change` is called with the draft first, and may change its settings. With `complete` false the
    draft may lack what publishing needs. Raises Refused.
    """
    with as_changed(campaign, change) as draft:
        yield _lay_down(draft, complete), Campaign.locked(campaign.pk)


@contextmanager
def as_changed(campaign: Campaign, change: Callable[[Campaign], object]) -> Iterator[Campaign]:
    """A draft with other settings, to look at it; at the end it has its own again."""
    with transaction.atomic():
        change(Campaign.locked(campaign.pk))
        try:
            yield Campaign.locked(campaign.pk)
        finally:
            transaction.set_rollback(True)


def _lay_down(locked: Campaign, complete: bool = True) -> Published:
    """Freeze a draft's pairs, labels and HITs. Raises Refused."""
    if locked.state != State.DRAFT:
        raise Refused(f"campaign {locked.slug} is {locked.state}: it cannot be published again")
    if locked.hits.exists():
        raise Refused(f"campaign {locked.slug} was filled by import: it has no places to offer")
    if complete and (missing := missing_of(locked)):
        raise Refused(f"campaign {locked.slug} cannot be published: {'; '.join(missing)}")
    locked.seed = seed_of(locked)
    published = freeze(locked)
    answers = min(locked.round_size, locked.workers_per_item)
    published.first_round = money.cost_of(locked, answers)
    published.whole = money.cost_of(locked, locked.workers_per_item)
    return published


def practice_at_first(locked: Campaign, published: Published) -> money.Cost:
    """What the practice of those who answer the first round costs at most."""
    people = published.first_round.sessions or min(locked.round_size, locked.workers_per_item)
    return money.cost_of_practice(locked, people)


def _check_money(locked: Campaign, published: Published, balance: Decimal | None) -> None:
    """Raises Refused if the budget, or real money's account, cannot pay the first round."""
    first = published.first_round
    practice = practice_at_first(locked, published)
    total = first.total + practice.total
    trouble = ""
    if locked.budget is not None and total > locked.budget:
        trouble = f"its budget is {locked.as_money(locked.budget)}"
    elif balance is not None and total > balance:
        trouble = f"the account at the marketplace holds {locked.as_money(balance)}"
    if trouble:
        raise Refused(
            f"campaign {locked.slug} cannot be published: its first round of {first.answers:,}"
            f" answers costs {first}{practice.beside}, and {trouble}"
        )


INLINE = 200  # HITs that a page puts before a marketplace itself; more are left to the queue
IN_QUEUE = "The queue will tell it when that sync ends."
NO_QUEUE = "The queue cannot be reached; once it is back, the next sync will tell the marketplace."


def tell_crowd(campaign: Campaign, in_queue: bool) -> None:
    """Offer the places, or withdraw them, as the new state and settings say.

    A page leaves this to the queue if the offer is long or a sync keeps the lock. Raises NotYetTold
    if a sync keeps the lock or the queue cannot be reached, and Refused if the marketplace failed.
    """
    crowd = crowd_of(campaign)
    if crowd.marketplace is None and crowd.session_market is None:
        return
    if in_queue and campaign.hits.count() > INLINE:
        if not _sync_in_queue(campaign):
            raise NotYetTold(f"{_untold(campaign)} yet. {NO_QUEUE}")
        return
    try:
        if put_before_crowd(campaign, PATIENCE):
            return
        if in_queue:
            later = IN_QUEUE if _sync_in_queue(campaign) else NO_QUEUE
            raise NotYetTold(f"{_untold(campaign)} yet because a sync is running. {later}")
        log.warning("%s yet because a sync is running; waiting for it to end.", _untold(campaign))
        put_before_crowd(campaign, patience=None)
    except CrowdError as error:
        raise Refused(f"{_untold(campaign)} all of it (the next sync goes on): {error}") from None


def _untold(campaign: Campaign) -> str:
    return f"campaign {campaign.slug} is {campaign.state}, but the marketplace has not been told"


def _sync_in_queue(campaign: Campaign) -> bool:
    """Queue a sync that waits for its turn. False: the queue cannot be reached."""
    try:
        sync_campaign.delay(campaign.pk, again_if_busy=True)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("No sync of %s was queued: %s", campaign.slug, error)
        return False
    return True


def _suits(campaign: Campaign, crowd: Crowd) -> bool:
    return not crowd.missing(campaign) and all(getattr(campaign, name) for name in crowd.needs)


def _unfit(campaign: Campaign) -> list[str]:
    """What its settings lack for its crowd, as clauses."""
    crowd = crowd_of(campaign)
    given = {name: getattr(campaign, name) for name in ("budget", "contact", *crowd.needs)}
    production = crowd.is_production(campaign)
    lacking = missing_to_publish(
        given, paid_crowd=crowd.pays, production=production, needs=crowd.needs
    )
    return [*crowd.missing(campaign), *(sentence for _, sentence in lacking)]


def missing_of(campaign: Campaign) -> list[str]:
    """Everything that keeps a draft from being published, as clauses."""
    crowd = crowd_of(campaign)
    missing = _unfit(campaign)
    if campaign.practice and crowd.gives_places:
        missing.append(
            f"its crowd {crowd.name} gives out the HITs by itself, so nothing holds a practice"
            " before them"
        )
    elif clause := too_little_known(campaign):
        missing.append(clause)
    if campaign.source:
        if campaign.source.state not in (State.FINISHED, State.CLOSED):
            missing.append(
                f"its source {campaign.source.slug} is {campaign.source.state}"
                " (it must be finished or closed)"
            )
    elif not campaign.dataset.images.exists():
        missing.append(f"dataset {campaign.dataset.slug} has no images")
    elif not campaign.dataset.classifiers.filter(predictions__isnull=False).exists():
        missing.append(
            f"dataset {campaign.dataset.slug} has no predictions"
            f" (run: manage.py predict {campaign.dataset.slug})"
        )
    return missing


def _summary(campaign: Campaign) -> Published:
    """What a published campaign consists of."""
    return Published(
        images=campaign.campaign_images.filter(asked=True).count(),
        pairs=campaign.pairs.count(),
        hits=campaign.hits.count(),
        groups=Counter(campaign.campaign_images.exclude(group="").values_list("group", flat=True)),
        first_round=money.cost_of(campaign, min(campaign.round_size, campaign.workers_per_item)),
        whole=money.cost_of(campaign, campaign.workers_per_item),
        resumed=True,
    )


def _move(campaign: Campaign, state: State, who: str, why: str, in_queue: bool) -> None:
    with transaction.atomic():
        locked = Campaign.locked(campaign.pk)
        if locked.state != state:
            try:
                locked.move_to(state, who, why)
            except IllegalTransition as error:
                raise Refused(str(error)) from None
    campaign.refresh_from_db()
    tell_crowd(campaign, in_queue)


def pause(campaign: Campaign, who: str, why: str = "", in_queue: bool = False) -> None:
    """Stop giving work; workers may finish what they have open.

    Raises Refused unless it is open (or paused already), and NotYetTold.
    """
    _move(campaign, State.PAUSED, who, why, in_queue)


def resume(campaign: Campaign, who: str, why: str = "", in_queue: bool = False) -> Published:
    """Give work again. Raises Refused unless it is paused (or open already), and NotYetTold.

    Refused too if it would spend real money that nobody has confirmed: `publish` asks for that.
    """
    if campaign.state == State.DRAFT:
        raise Refused(f"campaign {campaign.slug} is a draft: publish it first")
    if wrong := money.unconfirmed(campaign):
        raise Refused(f"campaign {campaign.slug} cannot be resumed: {wrong}")
    _move(campaign, State.OPEN, who, why, in_queue)
    go_on_if_answered(campaign)
    return _summary(campaign)


def close(campaign: Campaign, who: str, why: str = "", in_queue: bool = False) -> None:
    """End the study with the counts as they are. Raises Refused where it cannot, and NotYetTold."""
    _move(campaign, State.CLOSED, who, why, in_queue)
