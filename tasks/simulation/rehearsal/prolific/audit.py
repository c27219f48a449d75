"""Checks the invariants of a study of sessions that went through the stand-in for Prolific."""

from collections import Counter
from decimal import Decimal

from tasks.crowds.prolific import market as prolific
from tasks.crowds.prolific.models import BonusSetUp, Study
from tasks.crowds.prolific.studies import unknown
from tasks.market.session_pay import differences
from tasks.models import Campaign
from tasks.money.budget import committed
from tasks.simulation.rehearsal.checks import wrong_answers, wrong_pay
from tasks.simulation.rehearsal.prolific.market import ProlificMarket
from tasks.simulation.rehearsal.prolific.records import PAID, RUNNING, WAITING, Submission

BASE = ("APPROVED", "PARTIALLY APPROVED")


def audit_sessions(campaign: Campaign, market: ProlificMarket) -> list[str]:
    """Everything that is wrong after a finished study, as sentences.

    Every HIT must have R used answers of distinct people; nothing waits for review; each side knows
    the studies and submissions of the other; the ledgers agree to the cent, within the budget.
    """
    names = Study.objects.filter(campaign=campaign, market_id__isnull=False)
    studies = [market.studies[str(name)] for name in names.values_list("market_id", flat=True)]
    submissions = [s for study in studies for s in study.submissions if not study.test_of]
    return [
        *wrong_answers(campaign),
        *wrong_pay(campaign),
        *_sides(campaign, market, submissions),
        *_money(campaign, market, submissions),
        *[f"the stand-in answered wrongly: {error}" for error in market.broken],
    ]


def _sides(campaign: Campaign, market: ProlificMarket, submissions: list[Submission]) -> list[str]:
    errors = []
    if orphans := unknown(campaign):
        errors.append(f"studies that the site does not know: {orphans}")
    if open_now := [s.id for s in market.open_studies()]:
        errors.append(f"studies in which a place can still be taken: {open_now}")
    waiting = [s.id for s in submissions if s.status in RUNNING]
    waiting += [s.id for s in submissions if s.status == WAITING and not s.return_requested]
    if waiting:
        errors.append(f"submissions that nobody has reviewed: {waiting}")
    there = {s.id: s.participant for s in submissions}
    here = dict(campaign.sessions.values_list("key", "worker__external_id"))
    if unlike := {key: who for key, who in here.items() if there.get(key) != who}:
        errors.append(f"sessions that Prolific does not know: {unlike}")
    if running := campaign.sessions.filter(outcome="").count():
        errors.append(f"{running} sessions have not ended")
    if begun := BonusSetUp.objects.filter(study__campaign=campaign, done=False).count():
        errors.append(f"{begun} set-ups of bonuses are under way")
    return errors


def _money(campaign: Campaign, market: ProlificMarket, submissions: list[Submission]) -> list[str]:
    errors = differences(campaign, prolific)
    if due := campaign.payments.filter(state="due").count():
        errors.append(f"{due} payments are due and have not gone out")
    ids = {s.id for s in submissions}
    paid = [payment for payment in market.payments if payment.submission in ids]
    bases = Counter(p.submission for p in paid if p.kind == "reward")
    if twice := [name for name, number in bases.items() if number > 1]:
        errors.append(f"paid twice: {twice}")
    if unpaid := [s.id for s in submissions if s.status in BASE and s.id not in bases]:
        errors.append(f"approved and not paid: {unpaid}")
    if unpaid := [s.id for s in submissions if _said_done(s) and s.status not in PAID]:
        errors.append(f"handed in with the code of whoever is done, and not approved: {unpaid}")
    there = Decimal(sum(payment.total for payment in paid)) / 100
    here = sum((payment.amount for payment in campaign.payments.all()), Decimal(0))
    if there != here:
        errors.append(f"the ledger has {here}, Prolific took {there}")
    if campaign.budget is not None and max(there, committed(campaign)) > campaign.budget:
        errors.append(f"{there} was paid of a budget of {campaign.budget}")
    return errors


def _said_done(submission: Submission) -> bool:
    """Whether its participant came back with the code that the site shows when all is done."""
    codes = submission.study.fields["completion_codes"]
    return submission.code in [c["code"] for c in codes if c["code_type"] == "COMPLETED"]
