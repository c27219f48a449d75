"""Pays the practice of whoever does not pass it, where their study has fixed pay for that.

The code that pays is the site's alone (its actor is "researcher"): nobody is paid by a code that
they were told, and what the site knows of a session decides here too.
"""

from decimal import Decimal

from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import Client, RequestRefused, client
from tasks.crowds.prolific.described import fixed_pay
from tasks.crowds.prolific.money import amount
from tasks.crowds.prolific.paying import bring_charges_to
from tasks.crowds.prolific.studies import SCREENED_OUT
from tasks.crowds.prolific.submissions import study_of
from tasks.models import Session
from tasks.models.payment import PaymentKind, PaymentState


def screen_out(session: Session, owed: Decimal) -> bool:
    """End a submission as screened out, which pays its practice; again: no error.

    False: its study pays no such sum, or Prolific refuses, and nothing was done. Raises CrowdError.
    """
    if (study := study_of(session)) is None:
        return False
    api = client()
    fixed = fixed_pay(api.read(f"/studies/{study.market_id}/"))
    if fixed is None or amount(fixed.reward) != owed:
        return False
    _take_charges(api, session, fixed.reward)
    path = f"/submissions/{session.key}/"
    try:
        body = {"action": "COMPLETE", "completion_code": fixed.code}
        seen = api.send("POST", f"{path}transition/", body)
    except RequestRefused:
        return bool(api.read(path)["status"] == SCREENED_OUT)
    if seen.get("status") != SCREENED_OUT:
        raise CrowdError(
            f"Prolific has not screened out session {session.key} yet: the next sync looks again"
        )
    return True


def _take_charges(api: Client, session: Session, reward: int) -> None:
    """Bring the ledger's fee and VAT on the practice to what Prolific takes on one such payment."""
    body = {"reward": reward, "total_available_places": 1}
    cost = Decimal(str(api.compute("/study-cost-calculator/", body)["total_cost"]))
    due = session.payments.filter(kind=PaymentKind.PRACTICE, state=PaymentState.DUE)
    keys = due.values_list("request_key", flat=True)
    bring_charges_to([f"{part}-{key}" for key in keys for part in ("fee", "vat")], cost - reward)
