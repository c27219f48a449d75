"""The steps of a campaign in the admin; each page says what the step does, and asks first."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.decorators import action

from annotation.admin.decisions import DecideOnSync, decided
from annotation.admin.guarded import Guarded
from annotation.admin.steps import (
    AskNumberAndWhy,
    AskWhy,
    Step,
    ask_first,
)
from annotation.report.celery_tasks import queue_report
from annotation.rights import RESEARCH, SPEND, may
from tasks.campaigns import publish
from tasks.crowds import CrowdError, is_production
from tasks.market.sync import sync
from tasks.market.synced import report
from tasks.models.refused import Refused
from tasks.money import usd
from tasks.money.hourly import owe_difference, shortfall
from tasks.results import aggregate
from tasks.work.rounds import state_told, waiting_places

SYNC_RUNNING = "Nothing was done: another sync of this campaign is running. Try again when it ends."


class CampaignSteps(Guarded):
    """Publish, invite, pause, resume, sync, aggregate, close: also for a frozen campaign."""

    def has_step_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, RESEARCH, object_id)

    def has_publish_permission(self, request: HttpRequest, object_id: str) -> bool:
        campaign = self.row(request, object_id)
        return may(request.user, RESEARCH, campaign) and (
            not is_production(campaign) or may(request.user, SPEND, campaign)
        )

    @action(description="Publish", permissions=["publish"], icon="play_arrow")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The last of the steps in which a campaign is made."""
        campaign = self.row(request, object_id)
        return redirect("campaign-step", campaign.slug, "publish")

    @action(description="Invite", permissions=["step"], icon="mail")
    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The campaign's page makes invitations."""
        campaign = self.row(request, object_id)
        return redirect(f"{reverse('campaign-progress', args=[campaign.slug])}#invitations")

    @action(description="Pause", permissions=["step"], icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        step = Step(
            title=f"Pause {campaign.name}",
            consequences=["No more work is given out.", "Workers may finish what they have open."],
            button="Pause",
            form=AskWhy,
        )

        def take(values: dict) -> str:
            publish.pause(campaign, _who(request), values["why"], in_queue=True)
            return "Paused."

        return ask_first(self, request, campaign, step, take)

    @action(description="Resume", permissions=["publish"], icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        step = Step(
            title=f"Resume {campaign.name}",
            consequences=["Work is given out again."],
            button="Resume",
            form=AskWhy,
        )

        def take(values: dict) -> str:
            publish.resume(campaign, _who(request), values["why"], in_queue=True)
            return f"The campaign is {state_told(campaign)}."

        return ask_first(self, request, campaign, step, take)

    @action(description="End the study", permissions=["step"], icon="stop")
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        missing = waiting_places(campaign)
        step = Step(
            title=f"End the study {campaign.name}",
            consequences=[
                f"The study ends with the counts as they are: {missing:,} answers are missing.",
                "It cannot be opened again.",
            ],
            button="End the study for good",
            form=AskNumberAndWhy,
            form_options={"expected": missing, "of_what": "missing answers"},
            danger=True,
        )

        def take(values: dict) -> str:
            publish.close(campaign, _who(request), values["why"], in_queue=True)
            return "The study has ended."

        return ask_first(self, request, campaign, step, take)

    @action(description="Sync", permissions=["step"], icon="sync")
    def sync(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        step = Step(
            title=f"Sync {campaign.name}",
            consequences=[
                "It fetches what the marketplace knows, reviews waiting answers, pays accepted ones"
                " and offers free places.",
                "The queue also does this every few minutes.",
            ],
            button="Sync now",
            form=DecideOnSync,
            form_options={"campaign": campaign},
        )

        def take(values: dict) -> str:
            try:
                done = sync(campaign, decisions=decided(values, _who(request)))
            except CrowdError as error:
                raise Refused(str(error)) from None
            return " ".join(report(campaign, done)) if not done.busy else SYNC_RUNNING

        return ask_first(self, request, campaign, step, take)

    @action(description="Pay the difference", permissions=["publish"], icon="schedule")
    def difference(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Where sessions took longer than planned: a bonus for everybody who did one."""
        campaign = self.row(request, object_id)
        short = shortfall(campaign)
        if short is None:
            messages.info(request, "Sessions did not take longer than planned: nothing is owed.")
            return redirect("campaign-progress", campaign.slug)
        sum = usd(short.total, campaign.in_currency)
        step = Step(
            title=f"Pay the difference: {campaign.name}",
            consequences=[
                str(short),
                f"{len(short.owed):,} people get a bonus, {sum} in all, and fees, so that the"
                " median session pays by the hour what was planned.",
                "The next sync pays it.",
            ],
            button=f"Pay {sum}",
        )

        def take(values: dict) -> str:
            paid = owe_difference(campaign)
            return "Nothing was owed." if paid is None else f"{len(paid.owed):,} bonuses are owed."

        return ask_first(self, request, campaign, step, take)

    @action(description="Aggregate", permissions=["step"], icon="functions")
    def aggregate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        step = Step(
            title=f"Aggregate {campaign.name}",
            consequences=[
                "Results are computed again from the used answers, and replace the last ones. The"
                " study's report follows in the queue."
            ],
            button="Aggregate now",
        )

        def take(values: dict) -> str:
            run = aggregate(campaign)
            queue_report(campaign)
            return f"Aggregated in {run.seconds:.1f} s: {run.counts_told}."

        return ask_first(self, request, campaign, step, take)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
