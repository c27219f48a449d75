"""The crowd of any panel that sends people by an address with their id and takes them back by one.

The site knows nothing else of the panel: nobody is offered or paid anything there by it.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from types import MappingProxyType

from tasks.crowds import Crowd, Door, Frame, Marketplace, Note, Ready, time_on_site
from tasks.crowds.panel import door as panel_door
from tasks.crowds.panel.addresses import NAME, address_to_paste, origin_of
from tasks.crowds.panel.presets import PRESETS
from tasks.crowds.rehearsals import is_rehearsal
from tasks.models import HIT, Campaign, PracticeHIT

CENT = Decimal("0.01")


class Panel(Crowd):
    """People whom a panel sends; the researcher pays them there, by the table of payments."""

    name = NAME
    about = (
        "People whom a panel sends (CloudResearch Connect, SONA, ...): it adds their id to the"
        " study's address, and they go back with an address or a code that says how it ended."
    )
    accepts_at_once = True
    pays = True
    door: Door | None = panel_door
    frame: Frame | None = None
    marketplace: Marketplace | None = None
    pays_by_session = True
    needs = ("panel",)
    ready = MappingProxyType(
        {
            name: Ready(preset.title, {"panel": preset.panel}, preset.advice)
            for name, preset in PRESETS.items()
        }
    )

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        """As on any site of work (rule P5)."""
        return time_on_site(campaign, hit)

    def is_production(self, campaign: Campaign) -> bool:
        """Unless people go back to the site's own rehearsal."""
        address = (campaign.panel or {}).get("completion_url", "")
        return not is_rehearsal(origin_of(address))

    def missing(self, campaign: Campaign) -> list[str]:
        """Nothing beside its settings."""
        return []

    def round_reward(self, amount: Decimal) -> Decimal:
        """Whole cents, rounded up."""
        return amount.quantize(CENT, rounding=ROUND_CEILING)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        """Nothing that the site knows of: the panel's own fee is not in the budget."""
        return Decimal(0)

    def notes(self, campaign: Campaign) -> Sequence[Note]:
        """The address to paste into the panel."""
        if campaign.panel is None:
            return ()
        return (
            Note(
                "Address for the panel",
                "Paste it into the panel as the study's address; the panel puts each person's id"
                " in the place of the brackets.",
                copied=address_to_paste(campaign),
            ),
        )


CROWD = Panel()
