"""Money at Prolific: minor units of the workspace's currency, fees and VAT on top of pay."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from tasks.crowds.prolific.models import Account, Study
from tasks.models import Campaign
from tasks.models.sums import CENT

# An hour's least pay, by currency: Prolific takes no study under it.
LEAST_WAGES = {"USD": Decimal(8), "GBP": Decimal(6)}
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


def surcharges(paid: Decimal, campaign: Campaign | None) -> tuple[Decimal, Decimal]:
    """The fee on a reward or bonus, without VAT, and the VAT on that fee.

    Until Prolific has quoted them for such a reward: by the account's share, and a cent, since each
    may be rounded up by itself. So no payment turns out dearer than was reckoned with.
    """
    if (quoted := _quoted(paid, campaign)) is not None:
        return quoted.fee or Decimal(0), quoted.vat or Decimal(0)
    share, rate = DEAREST_FEE * (1 + DEAREST_VAT), DEAREST_VAT
    if (account := account_of(campaign)) is not None:
        share, rate = account.charges, account.vat
    charges = round_up(paid * share) + CENT
    vat = (charges * rate / (1 + rate)).quantize(CENT, ROUND_HALF_UP)
    return charges - vat, vat


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
