"""Which workspace pays for a campaign, in which currency, what Prolific takes, what it offers."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from imagesets.clock import Now
from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import Client, client
from tasks.crowds.prolific.models import Account
from tasks.crowds.prolific.money import amount
from tasks.models import Campaign

ASKED_FOR = 10_000  # cents: a reward large enough to read a share off its cost
ASKED_AGAIN = timedelta(days=30)  # a workspace that was refused something may have it by then


def learn(campaign: Campaign) -> tuple[Account, Decimal]:
    """Ask Prolific for the campaign's account. Returns it and the available balance.

    Fills in the campaign's currency where none was given. Raises CrowdError.
    """
    api = client()
    workspace = workspace_of(api, campaign)
    balance = api.read(f"/workspaces/{workspace}/balance/")
    currency = str(balance["currency_code"])
    if campaign.currency is None:
        Campaign.objects.filter(pk=campaign.pk, currency=None).update(currency=currency)
        campaign.currency = currency
    elif campaign.currency != currency:
        raise CrowdError(
            f"campaign {campaign.slug} reckons in {campaign.currency}, but Prolific's workspace"
            f" {workspace} pays in {currency}"
        )
    body = {"reward": ASKED_FOR, "total_available_places": 1}
    cost = api.compute("/study-cost-calculator/", body)["total_cost"]
    charges = max(Decimal(str(cost)) - ASKED_FOR, Decimal(0)) / ASKED_FOR
    facts: dict[str, Any] = {"workspace": workspace, "currency": currency, "charges": charges}
    account, _ = Account.objects.update_or_create(campaign=campaign, defaults=facts)
    return account, amount(balance["available_balance"])


def workspace_of(api: Client, campaign: Campaign) -> str:
    """The workspace of the campaign's project, else the only one that the token sees."""
    if project := (campaign.prolific or {}).get("project"):
        return str(api.read(f"/projects/{project}/")["workspace"])
    path = "/workspaces/"
    workspaces = [str(row["id"]) for row in api.results(path, api.read(path))]
    if len(workspaces) != 1:
        seen = "no workspace" if not workspaces else f"{len(workspaces)} workspaces"
        raise CrowdError(
            f"the token in PROLIFIC_API_TOKEN sees {seen}: name the project that pays in the"
            f" campaign's setting prolific.project"
        )
    return workspaces[0]


def may_screen_out(account: Account) -> bool:
    """Whether a study is worth trying with fixed pay for the practice.

    Only certain workspaces have it, and Prolific says which by refusing it to the others.
    """
    recently = Account.objects.filter(screen_outs_refused_at__gt=Now() - ASKED_AGAIN)
    return not recently.filter(workspace=account.workspace).exists()
