"""Sums of money as a worker's page writes them: $0.60, in German 0,60 $."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from tasks.models.sums import SIGNS

CENT = Decimal("0.01")


def in_words(amount: Decimal, currency: str) -> str:
    """An amount with its cents; with fractions of a cent only if there are any."""
    cents = amount.quantize(CENT)
    exact = cents if cents == amount else amount.normalize()
    dollars = _("${amount}").format(amount=number_format(exact, force_grouping=True))
    return dollars.replace("$", SIGNS.get(currency, f"{currency}\N{NO-BREAK SPACE}"))
