"""Keeps a campaign and the marketplace of its sessions in step: outcomes, pay, places (rule S6).

The site's own record of a session says whether it was done, whatever code its worker entered; what
becomes of it over there decides whether its answers are accepted. What is paid: session_pay.py.
"""

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from imagesets.clock import Now
from tasks import money
from tasks.crowds import CrowdError, MarketSession, SessionMarket, crowd_of
from tasks.market.careless import feedback_of, rejectable
from tasks.market.session_pay import MARKET, mark_paid, practice_paid
from tasks.models import Assignment, Campaign, Place, Session, Transition, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.campaign import State
from tasks.models.payment import PaymentKind, PaymentState
from tasks.models.session import OVER, MarketStatus, SessionOutcome
from tasks.work.rounds import free
from tasks.work.sessions import LEFT_AFTER, end, progress_of, settle

AT_ONCE = 500  # sessions approved by one call
NO_LONGER = Q(market_state=MarketStatus.TIMED_OUT, kept_until__lt=Now() - LEFT_AFTER)
RETURN_REASONS = {  # what a worker is told who is asked to return a session
    SessionOutcome.NO_CONSENT: "You did not agree to take part.",
    SessionOutcome.NO_WORK: "There was no work left when you came.",
    SessionOutcome.DEVICE: "The study cannot be done on the device that you used.",
    SessionOutcome.SCREENED_OUT: "The practice showed that this study does not suit you."
    " Your time is paid by a bonus.",
    SessionOutcome.LEFT: "The work was not finished.",
}
PART_IS_PAID = "Once you have returned it, what you finished is paid by a bonus."
TURNED_AWAY = (SessionOutcome.NO_WORK, SessionOutcome.DEVICE)  # before a session begins
UNKNOWN = "The study was not begun on its own page, so there is nothing that could be paid."


def take_in(campaign: Campaign, market: SessionMarket) -> int:
    """Take in all that the marketplace reports. Returns how many reports were news."""
    return sum(reconcile(campaign, report) for report in market.fetch(campaign))


def reconcile(campaign: Campaign, report: MarketSession) -> bool:
    """Take in what the marketplace reports of one session. Returns whether it was news."""
    worker = Worker.of(campaign.crowd, report.worker)
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        session = Session.objects.filter(campaign=campaign, key=report.key).first()
        if session is None:
            if report.status in (MarketStatus.ACTIVE, *OVER):
                return False  # somebody who has not begun here
            session = _adopt(campaign, worker, report)
        if session.worker_id != worker.pk:
            raise CrowdError(
                f"session {report.key} is {worker.pseudonym}'s at the marketplace and"
                f" {session.worker.pseudonym}'s here: nothing was done about it"
            )
        if session.market_state == report.status:
            return False
        _record(session, report.status)
        session.campaign = campaign
        if report.status == MarketStatus.SUBMITTED:
            _end_here(session)
        elif report.status == MarketStatus.RETURNED:
            _over(session)
        elif report.status == MarketStatus.APPROVED:
            _approved(session)
        elif report.status == MarketStatus.REJECTED:
            _rejected(session, "rejected at the marketplace")
        elif report.status == MarketStatus.SCREENED_OUT:
            _end_here(session)
            practice_paid(session)
            _settle(session)
    return True


def _adopt(campaign: Campaign, worker: Worker, report: MarketSession) -> Session:
    """The site's row of a session that was never begun on its pages."""
    return Session.objects.create(
        campaign=campaign,
        worker=worker,
        key=report.key,
        study=report.study,
        hits=campaign.session_hits or 1,
        planned_seconds=campaign.session_seconds or 0.0,
        reward=campaign.session_reward or Decimal(0),
        kept_until=Now(),
        outcome=report.said if report.said in TURNED_AWAY else SessionOutcome.LEFT,
        ended_at=Now(),
    )


def _record(session: Session, status: str) -> None:
    Transition.objects.create(
        campaign_id=session.campaign_id,
        subject=f"session of {session.worker.pseudonym}"[:100],
        before=session.market_state,
        after=status,
        who=MARKET,
    )
    session.market_state = status
    session.save(update_fields=["market_state"])


def _end_here(session: Session) -> None:
    """A session that was handed in is over here too: done if it is full, else left."""
    full = progress_of(session).is_full
    outcome = SessionOutcome.DONE if full else SessionOutcome.LEFT
    ended = end(session, outcome, MARKET, "handed in there")
    session.outcome, session.ended_at = ended.outcome, ended.ended_at


def _answers(session: Session) -> QuerySet[Assignment]:
    return session.assignments.filter(
        state=AssignmentState.SUBMITTED, outcome=Outcome.NONE
    ).select_related("hit", "campaign", "worker", "session")


def _accept(session: Session, why: str) -> None:
    """Accept its answers, which owes those beyond it; those kept for a person go along."""
    answers = list(_answers(session).select_for_update(of=("self",)).order_by("pk"))
    for answer in answers:
        answer.become(MARKET, why, outcome=Outcome.ACCEPTED)
    money.owe(answers)


def _approved(session: Session) -> None:
    """Its base pay was paid: by this site, by hand, or because its time was up."""
    _end_here(session)
    _accept(session, "its session was approved")
    money.owe_session(session)
    _settled(session)
    mark_paid(session)


def _rejected(session: Session, feedback: str) -> None:
    """Nothing is paid for it but what was accepted before, and its places are free again."""
    _end_here(session)
    _set_free(session, Outcome.REJECTED, feedback)
    if session.outcome != SessionOutcome.DONE:
        settle(session)
    _settled(session)


def _settle(session: Session) -> None:
    """Owe what a session is owed that has ended there without base pay: its finished part."""
    if session.settled_at is None:
        _use_part(session)
        settle(session)


def _use_part(session: Session) -> None:
    """Use the finished part of a session where parts are paid, else set its places free."""
    if crowd_of(session.campaign).pays_parts(session.campaign):
        _accept(session, "a part of a session, which is paid")
    else:
        _set_free(session, Outcome.NONE, "its session was left")


def _over(session: Session) -> None:
    """A session that ended over there without being handed in: done or not, it has no base pay.

    Whoever has timed out there may still hand in, so their session goes on for a while.
    """
    ended = end(session, SessionOutcome.LEFT, MARKET, f"{session.market_state} there")
    if ended.settled_at is None and ended.outcome == SessionOutcome.DONE:
        ended.become(SessionOutcome.LEFT, MARKET, f"{session.market_state} there")
    _settle(ended)


def _settled(session: Session) -> None:
    Session.objects.filter(pk=session.pk, settled_at=None).update(settled_at=Now())


def _set_free(session: Session, outcome: Outcome, why: str) -> None:
    """Use none of its answers, and free their places, as far as the budget carries that."""
    campaign = Campaign.locked(session.campaign_id)
    ids = list(_answers(session).values_list("pk", flat=True))
    places = Place.objects.select_for_update().filter(holder__in=ids)
    held = [place.pk for place in places]
    for answer in Assignment.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        if outcome == Outcome.REJECTED:
            answer.feedback = why
            answer.save(update_fields=["feedback"])
            answer.become(MARKET, why, outcome=outcome)
        else:
            answer.become(MARKET, why, state=AssignmentState.RETURNED)
    free(campaign, Place.objects.filter(pk__in=held), MARKET, why)


# What sync sends


def decide(campaign: Campaign, market: SessionMarket, troubles: list[str]) -> tuple[int, int]:
    """Approve, reject, screen out or ask back what was handed in. Returns how many were
    approved, and how many rejected.

    Sessions with answers that wait for a person wait with them.
    """
    ours = Session.objects.filter(campaign=campaign, is_test=False)
    ours = ours.select_related("worker", "campaign").order_by("pk")
    for session in ours.filter(NO_LONGER, settled_at=None):
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=session.worker_id)
            if ours.filter(NO_LONGER, settled_at=None, pk=session.pk).exists():
                _over(session)
    handed_in = ours.filter(market_state=MarketStatus.SUBMITTED)
    refused = handed_in.exclude(outcome__in=[SessionOutcome.RUNNING, SessionOutcome.DONE])
    for session in refused.filter(asked_back_at=None):
        try:
            _ask_back(session, market)
        except CrowdError as error:
            troubles.append(str(error))
    waiting = Assignment.objects.filter(for_person=True, outcome=Outcome.NONE)
    done = handed_in.filter(outcome=SessionOutcome.DONE, settled_at=None).exclude(
        pk__in=waiting.filter(campaign=campaign, session__isnull=False).values("session")
    )
    approved = rejected = 0
    todo = list(done)
    for session, verdict in rejectable(campaign, market, todo):
        todo.remove(session)
        try:
            reject(session, feedback_of(verdict), market, verdict.failed)
            rejected += 1
        except CrowdError as error:
            troubles.append(str(error))
    for start in range(0, len(todo), AT_ONCE):
        approved += _approve(campaign, market, todo[start : start + AT_ONCE], troubles)
    return approved, rejected


def _approve(
    campaign: Campaign, market: SessionMarket, sessions: Sequence[Session], troubles: list[str]
) -> int:
    try:
        market.approve(campaign, sessions)
    except CrowdError as error:
        troubles.append(str(error))
        return 0
    for session in sessions:
        with transaction.atomic():
            Worker.objects.select_for_update().get(pk=session.worker_id)
            current = Session.objects.select_related("campaign", "worker").get(pk=session.pk)
            if current.market_state == MarketStatus.SUBMITTED:
                _record(current, MarketStatus.APPROVED)
            _approved(current)
    return len(sessions)


def _ask_back(session: Session, market: SessionMarket) -> None:
    """Ask for the return of a session that is not to be approved, or end it as screened out.

    Its finished part is used at once, and paid once it has ended there without base pay: where its
    worker returns nothing the marketplace approves it in the end, and nobody is paid both (S6).
    """
    practised = session.payments.filter(kind=PaymentKind.PRACTICE, state=PaymentState.DUE)
    amount = practised.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    screened = session.outcome == SessionOutcome.SCREENED_OUT and amount
    is_over = bool(screened) and market.screen_out(session, amount)
    if not is_over:
        market.request_return(session, _reason(session))
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        if is_over:
            practice_paid(session)
        Session.objects.filter(pk=session.pk).update(asked_back_at=Now())
        current = Session.objects.select_related("campaign").get(pk=session.pk)
        (_settle if is_over else _use_part)(current)


def _reason(session: Session) -> str:
    reason = RETURN_REASONS[SessionOutcome(session.outcome)]
    if session.outcome != SessionOutcome.LEFT:
        return reason
    if not session.assignments.exists():
        return UNKNOWN
    finished = session.assignments.filter(state=AssignmentState.SUBMITTED).exists()
    paid = finished and crowd_of(session.campaign).pays_parts(session.campaign)
    return f"{reason} {PART_IS_PAID}" if paid else reason


def reject(session: Session, feedback: str, market: SessionMarket, failed: int = 0) -> None:
    """Refuse to pay a session that was handed in, for so many failed checks. Raises CrowdError."""
    market.reject(session, feedback, failed)
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=session.worker_id)
        current = Session.objects.select_related("campaign", "worker").get(pk=session.pk)
        _record(current, MarketStatus.REJECTED)
        _rejected(current, feedback)


def offer_or_withdraw(campaign: Campaign, market: SessionMarket) -> None:
    """Offer as many sessions as the open places need and the budget carries, or none."""
    if campaign.state == State.OPEN:
        wanted, most = money.sessions_wanted(campaign), most_to_offer(campaign)
        market.offer(campaign, wanted if most is None else min(wanted, most), most)
    else:
        market.withdraw(campaign)


def most_to_offer(campaign: Campaign) -> int | None:
    """How many more people may begin as far as the budget carries them; None: it has no limit."""
    price = money.price_of_newcomer(campaign)
    if campaign.budget is None or not price:
        return None
    return max(int((campaign.budget - money.held(campaign)) / price), 0)
