"""Who comes from Prolific, for which submission: checked there, by its token, or by our signature.

The three ids in the address are known to whoever reads them, so they prove nothing by themselves.
"""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tasks.crowds import BadVisit, CrowdError
from tasks.crowds.prolific.client import RequestRefused, client
from tasks.crowds.prolific.described import PARTICIPANT, SESSION, STUDY, TOKEN
from tasks.crowds.prolific.models import Study
from tasks.crowds.prolific.tokens import Forged, vouched_by_token
from tasks.models import Campaign, Session

SIGNED = "sent"  # in forms and addresses: what was checked when the page was opened
SALT = "tasks.crowds.prolific.sent"
A_DAY = 24 * 3600  # seconds
LONGEST = 64  # characters of an id
MAY_BEGIN = ("RESERVED", "ACTIVE")
CUT_SHORT = _(
    "This address is cut short: it does not say who you are. Please open the study from Prolific"
    " again."
)
NOT_YOURS = _(
    "Prolific does not know this visit, so there is no work for you here. Please open the study"
    " from your own page at Prolific."
)
OTHER_STUDY = _("This address belongs to another study. Please open the study from Prolific again.")
IS_OVER = _(
    "Your submission has ended at Prolific, so this study has no more work for you. Thank you for"
    " coming."
)
NO_ANSWER = _(
    "We cannot ask Prolific who you are at this moment. Please load this page again in a minute;"
    " nothing is lost."
)


@dataclass(frozen=True)
class Visitor:
    """Somebody whom Prolific sent, and for which submission."""

    participant: str
    study: str
    session: str
    is_test: bool = False

    def signed(self, campaign: Campaign) -> str:
        """All of it, as this site vouches for it in a form or an address."""
        value = [
            campaign.public_id,
            self.participant,
            self.study,
            self.session,
            self.is_test,
        ]
        return signing.dumps(value, salt=SALT)


def visitor_of(request: HttpRequest, campaign: Campaign) -> Visitor | None:
    """Who comes, checked; None: the address names nobody. Raises BadVisit for whoever it is not.

    Prolific is asked once a request, and not at all for a submission that has begun its session.
    """
    known = getattr(request, "_from_prolific", None)
    if known is None or known[0] != campaign.pk:
        known = (campaign.pk, _visitor_of(request, campaign))
        request._from_prolific = known  # type: ignore[attr-defined]
    visitor: Visitor | None = known[1]
    return visitor


def _visitor_of(request: HttpRequest, campaign: Campaign) -> Visitor | None:
    given = {name: _given(request, name) for name in (PARTICIPANT, STUDY, SESSION)}
    signed = _by_signature(_given(request, SIGNED), campaign)
    if signed is not None:
        named = (signed.participant, signed.study, signed.session)
        if any(mine and mine != theirs for mine, theirs in zip(given.values(), named, strict=True)):
            raise BadVisit(str(NOT_YOURS))
        return signed
    if not any(given.values()):
        return None
    if not all(map(_is_id, given.values())):
        raise BadVisit(str(CUT_SHORT))
    study = Study.objects.filter(campaign=campaign, market_id=given[STUDY]).first()
    if study is None:
        raise BadVisit(str(OTHER_STUDY))
    visitor = Visitor(
        given[PARTICIPANT], given[STUDY], given[SESSION], is_test=study.test_of_id is not None
    )
    _check(visitor, campaign, _given(request, TOKEN))
    return visitor


def _check(visitor: Visitor, campaign: Campaign, token: str) -> None:
    """Raises BadVisit unless Prolific's token, an earlier visit or Prolific itself vouches."""
    if token:
        try:
            if vouched_by_token(token, visitor, campaign):
                return
        except Forged:
            raise BadVisit(str(NOT_YOURS)) from None
    begun = Session.objects.filter(campaign=campaign, key=visitor.session)
    if (session := begun.select_related("worker").first()) is not None:
        if (session.worker.external_id, session.study) != (visitor.participant, visitor.study):
            raise BadVisit(str(NOT_YOURS))
        return
    try:
        seen = client().read(f"/submissions/{visitor.session}/")
    except RequestRefused as refused:
        raise BadVisit(str(NO_ANSWER if refused.status == 401 else NOT_YOURS)) from None
    except CrowdError:
        raise BadVisit(str(NO_ANSWER)) from None
    if (seen.get("participant"), seen.get("study_id")) != (visitor.participant, visitor.study):
        raise BadVisit(str(NOT_YOURS))
    if seen.get("status") not in MAY_BEGIN:
        raise BadVisit(str(IS_OVER))


def _by_signature(signed: str, campaign: Campaign) -> Visitor | None:
    """Whom this site has checked before; None: it says nothing, or is too old to count."""
    if not signed:
        return None
    try:
        value: Any = signing.loads(signed, salt=SALT, max_age=A_DAY)
        public_id, participant, study, session, is_test = value
    except signing.SignatureExpired:
        return None
    except (signing.BadSignature, ValueError, TypeError):
        raise BadVisit(str(NOT_YOURS)) from None
    if public_id != campaign.public_id:
        raise BadVisit(str(OTHER_STUDY))
    return Visitor(participant, study, session, is_test)


def _given(request: HttpRequest, name: str) -> str:
    return (request.POST.get(name) or request.GET.get(name) or "").strip()


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isascii() and text.replace("-", "").isalnum()
