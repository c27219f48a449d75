"""Money at Prolific: minor units of the workspace's currency, fees and VAT on top of pay."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from tasks.crowds.prolific.models import Account, Study
from tasks.models import Campaign

CENT = Decimal("0.01")
# What Prolific asks of those who pay most, until it has said what this account pays.
DEAREST_FEE, DEAREST_VAT = Decimal("0.428"), Decimal("0.2")


def cents(amount: Decimal) -> int:
    """An amount in minor units. Raises ValueError if it is not in whole ones."""
    whole = amount * 100
    if whole != whole.to_integral_value():
        raise ValueError(f"{amount} is not in whole cents")
    return int(whole)


def amount(minor: Any) -> Decimal:
    """Minor units, as the API gives them, as an amount."""
    return (Decimal(str(minor)) / 100).quantize(CENT, ROUND_HALF_UP)


def round_up(sum: Decimal) -> Decimal:
    """To whole cents, upwards."""
    return sum.quantize(CENT, ROUND_CEILING)


def fee(paid: Decimal, campaign: Campaign | None) -> Decimal:
    """The fee on a reward or bonus, without VAT."""
    if (quoted := _quoted(paid, campaign)) is not None:
        return quoted.fee or Decimal(0)
    return charges(paid, campaign) - vat(paid, campaign)


def vat(paid: Decimal, campaign: Campaign | None) -> Decimal:
    """The VAT on that fee."""
    if (quoted := _quoted(paid, campaign)) is not None:
        return quoted.vat or Decimal(0)
    rate = DEAREST_VAT
    if (account := account_of(campaign)) is not None:
        rate = account.vat
    return (charges(paid, campaign) * rate / (1 + rate)).quantize(CENT, ROUND_HALF_UP)


def charges(paid: Decimal, campaign: Campaign | None) -> Decimal:
    """Fee and VAT together, by the account's share, and a cent: each may be rounded up by itself.

    So no payment turns out dearer than was reckoned with.
    """
    account = account_of(campaign)
    share = DEAREST_FEE * (1 + DEAREST_VAT) if account is None else account.charges
    return round_up(paid * share) + CENT


def account_of(campaign: Campaign | None) -> Account | None:
    """What is known of the campaign's account there; None: Prolific has not been asked."""
    if campaign is None or campaign.pk is None:
        return None
    return Account.objects.filter(campaign=campaign).first()


def _quoted(paid: Decimal, campaign: Campaign | None) -> Study | None:
    """A study of the campaign with that reward, whose cost Prolific has said."""
    if campaign is None or campaign.pk is None:
        return None
    studies = Study.objects.filter(campaign=campaign, reward=paid, fee__isnull=False)
    return studies.order_by("-pk").first()
