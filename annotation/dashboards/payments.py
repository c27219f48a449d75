"""What a campaign's workers are owed, where nobody else pays them: /campaigns/{slug}/payments/."""

import re
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.rights import RAW_WORKERS, RESEARCH, SPEND, VIEW, may, need
from annotation.rights.pages import needs
from tasks.crowds import crowd_of, is_production
from tasks.models import Campaign
from tasks.models.refused import Refused
from tasks.money.settling import accounts_of, is_settled_here, leave, settle

# A ticked row: its worker, and the last amount that the page has counted.
_TICKED = re.compile(r"(\d{1,18})-(\d{1,18})")


@needs(VIEW, Campaign)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def campaign_payments(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Each worker's account, with a box to tick once they have been paid."""
    if request.method == "POST":
        return _settle(request, campaign)
    accounts = accounts_of(campaign)
    sum_of = campaign.as_money
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Payments of {campaign.name}",
        "campaign": campaign,
        "rows": [
            {
                "account": each,
                "owed": sum_of(each.owed),
                "by_hand": sum_of(each.by_hand),
                "left": sum_of(each.left),
                "paid": sum_of(each.paid),
            }
            for each in accounts
        ],
        "owed": sum_of(sum((account.owed for account in accounts), Decimal(0))),
        "paid": sum_of(sum((account.paid for account in accounts), Decimal(0))),
        "owing": sum(account.owed > 0 for account in accounts),
        "by_hand": sum_of(sum((account.by_hand for account in accounts), Decimal(0))),
        "owing_by_hand": sum(account.by_hand > 0 for account in accounts),
        "left": sum_of(sum((account.left for account in accounts), Decimal(0))),
        "leaving": sum(account.left > 0 for account in accounts),
        "ticks": any(account.newest for account in accounts)
        and may(request.user, _right(campaign), campaign),
        "has_marketplace": not is_settled_here(campaign),
        "works": "sessions" if crowd_of(campaign).pays_by_session else "HITs",
        "shows_ids": may(request.user, RAW_WORKERS, campaign),
    }
    return TemplateResponse(request, "pages/payments.html", context)


def _settle(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    need(request.user, _right(campaign), campaign)
    rows = request.POST.getlist("listed" if "all" in request.POST else "paid")
    ticked = [_TICKED.fullmatch(row) for row in rows]
    newest = {int(row[1]): int(row[2]) for row in ticked if row is not None}
    record = leave if "leave" in request.POST else settle
    try:
        settled = record(campaign, newest, request.user.get_username())
    except Refused as refused:
        messages.error(request, f"{capfirst(str(refused))}.")
        return HttpResponseRedirect(reverse("campaign-payments", args=[campaign.slug]))
    if settled:
        total = campaign.as_money(sum(settled.values(), Decimal(0)))
        people = "1 worker" if len(settled) == 1 else f"{len(settled):,} workers"
        said = f"nobody can pay {people} {total}; it stays owed"
        if record is settle:
            said = f"{total} was paid to {people}"
        messages.success(request, f"Recorded: {said}.")
    else:
        messages.warning(request, "Nothing was recorded: tick whom it concerns.")
    return HttpResponseRedirect(reverse("campaign-payments", args=[campaign.slug]))


def _right(campaign: Campaign) -> Any:
    """What it takes to tick somebody off: real money needs more than a study's own people."""
    return SPEND if is_production(campaign) else RESEARCH


urlpatterns = [path("campaigns/<slug:slug>/payments/", campaign_payments, name="campaign-payments")]
