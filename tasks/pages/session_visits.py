"""Which session somebody at a campaign's link comes for, where work is paid by the session."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tasks.crowds import BadVisit, Door, Farewell, SessionVisit, crowd_of
from tasks.models import Campaign, Session, Worker
from tasks.models.session import REOPENED, SessionOutcome
from tasks.work.beginning import NotTheirs, begin
from tasks.work.sessions import last_session, progress_of

ANOTHERS = _(
    "The session in this address is somebody else's. Please open the study again from where you"
    " were offered it."
)
NO_SESSION = _(
    "Please open the study from where you were offered it: only that says for which session you"
    " come."
)


def session_come_for(
    request: HttpRequest, campaign: Campaign, door: Door, worker: Worker | None
) -> Session | None:
    """The session that the visitor comes for, if it was begun; changes nothing. Raises BadVisit."""
    if not crowd_of(campaign).pays_by_session:
        return None
    visit = door.session(request, campaign)
    if visit is None:
        return last_session(campaign, worker) if worker is not None else None
    session = Session.objects.filter(campaign=campaign, key=visit.key).first()
    if session is not None and (worker is None or session.worker_id != worker.pk):
        raise BadVisit(str(ANOTHERS))
    return session


def begin_session(
    request: HttpRequest, campaign: Campaign, door: Door, worker: Worker
) -> Session | None:
    """Begin the visitor's session, or go on with it; None: there is none for them to begin.

    Raises BadVisit.
    """
    if not crowd_of(campaign).pays_by_session:
        return None
    visit = door.session(request, campaign)
    if visit is None:
        last = last_session(campaign, worker)
        if last is None:
            raise BadVisit(str(NO_SESSION))
        visit = SessionVisit(last.key, worker.external_id, last.study, last.is_test)
    try:
        return begin(campaign, worker, visit)
    except NotTheirs:
        raise BadVisit(str(ANOTHERS)) from None


def has_a_page(session: Session, again: bool) -> bool:
    """Whether its own page is what its worker should see: it is full, or it has ended.

    `again`: one that may go on after all is begun anew instead.
    """
    if session.is_running:
        return progress_of(session).is_full
    return not (again and session.outcome in REOPENED)


def leaves_without_work(
    request: HttpRequest,
    campaign: Campaign,
    door: Door,
    outcome: SessionOutcome = SessionOutcome.NO_WORK,
) -> Farewell | None:
    """How whoever came for a session leaves when there is no work; None: nobody waits for them."""
    if not crowd_of(campaign).pays_by_session:
        return None
    visit = door.session(request, campaign)
    if visit is None:
        return None
    worker = Worker(crowd=campaign.crowd, external_id=visit.worker)
    return door.leaves(
        Session(
            campaign=campaign,
            worker=worker,
            key=visit.key,
            study=visit.study,
            outcome=outcome,
        )
    )
