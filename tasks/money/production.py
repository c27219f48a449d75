"""Real money: no campaign spends it before somebody has typed its whole budget (rule M7).

Whatever is not known to be a sandbox is production (tasks/crowds). Publish, resume and every sync
ask again: the marketplace may be another one than when the campaign was published.
"""

from decimal import Decimal

from tasks.crowds import is_production
from tasks.models import Campaign, Transition
from tasks.models.refused import Refused

ASKED = (
    "it spends real money, since its marketplace is not known to be a sandbox (the rehearsal is"
    " one, while it runs there under this site's SECRET_KEY): say so by --production --yes-spend"
    " and its whole budget (in the API production and yes_spend)"
)


def unconfirmed(campaign: Campaign) -> str:
    """Why the campaign may not spend anything yet, as a clause; "" if it may, or spends nothing.

    Asks the marketplace: call it outside of any transaction.
    """
    return "" if _is_confirmed(campaign) or not is_production(campaign) else ASKED


def _is_confirmed(campaign: Campaign) -> bool:
    confirmed = campaign.confirmed_budget
    return confirmed is not None and campaign.budget is not None and campaign.budget <= confirmed


def confirm(
    locked: Campaign, real: bool, production: bool, yes_spend: Decimal | None, who: str
) -> None:
    """Record and log the budget that somebody typed; the caller holds the campaign's row lock.

    `real`: what `is_production` said. Raises Refused where `production` and `yes_spend` do not fit.
    """
    if wrong := _misfit(locked, real, production, yes_spend):
        raise Refused(f"campaign {locked.slug} cannot be published: {wrong}")
    if production and locked.budget is not None:
        locked.confirmed_budget = locked.budget
        locked.save(update_fields=["confirmed_budget"])
        Transition.objects.create(
            campaign=locked,
            subject="budget typed",
            after=locked.as_money(locked.budget),
            who=who,
        )


def _misfit(locked: Campaign, real: bool, production: bool, yes_spend: Decimal | None) -> str:
    if not real:
        return "it is not a production campaign: nobody is paid real money" if production else ""
    if not production:
        return "" if _is_confirmed(locked) else ASKED
    if (
        locked.budget is not None and yes_spend != locked.budget
    ):  # publishing asks for a missing one
        typed = "nothing" if yes_spend is None else locked.as_money(yes_spend)
        return f"its whole budget is {locked.as_money(locked.budget)}, and {typed} was typed"
    return ""
