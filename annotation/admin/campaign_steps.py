"""The steps of a campaign in the admin; each page says what the step does, and asks first."""

from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from annotation.admin.guarded import Guarded
from annotation.admin.steps import (
    AskBudget,
    AskNumber,
    AskNumberAndWhy,
    AskWhy,
    Step,
    ask_first,
)
from annotation.links import door, how_people_begin, link_of
from annotation.report.celery_tasks import queue_report
from annotation.rights import RESEARCH, SPEND, may
from tasks import money
from tasks.campaigns import publish
from tasks.campaigns.choosing import chosen_images
from tasks.campaigns.findings import (
    contact_findings,
    image_findings,
    in_a_sentence,
    label_findings,
    language_findings,
)
from tasks.crowds import CrowdError, is_production
from tasks.market.sync import report, sync
from tasks.models import Campaign
from tasks.models.refused import Refused
from tasks.results import aggregate
from tasks.work.rounds import waiting_places

LAID_OUT_FIRST = 5000  # images: for up to this many the page computes the cost by laying them out
SYNC_RUNNING = "Nothing was done: another sync of this campaign is running. Try again when it ends."


class CampaignSteps(Guarded):
    """Publish, pause, resume, sync, aggregate, close: also for a campaign that is frozen."""

    def has_step_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, RESEARCH, object_id)

    def has_publish_permission(self, request: HttpRequest, object_id: str) -> bool:
        campaign = self.row(request, object_id)
        return may(request.user, RESEARCH, campaign) and (
            not is_production(campaign) or may(request.user, SPEND, campaign)
        )

    @action(description="Publish", permissions=["publish"], icon="play_arrow")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        real = is_production(campaign)
        try:
            images = len(chosen_images(campaign))
            findings = [
                in_a_sentence(*label_findings(campaign)),
                image_findings(campaign),
                contact_findings(campaign),
                language_findings(campaign),
            ]
            cost = _cost(campaign, images)
        except (Refused, ValueError):  # publishing will say why
            images, findings, cost = 0, [], []
        step = Step(
            title=f"Publish {campaign.name}",
            consequences=[
                f"It asks about {images:,} images of {campaign.dataset.slug}"
                + (f", as chosen from {campaign.source.slug}." if campaign.source else "."),
                f"Each question is put to {campaign.workers_per_item} workers,"
                f" {min(campaign.round_size, campaign.workers_per_item)} in the first round.",
                *cost,
                *(["It spends real money: its marketplace is no sandbox."] if real else []),
                "From then on its candidates, layout, texts and settings are frozen.",
                *filter(None, findings),
            ],
            button="Publish, and spend real money" if real else f"Publish {images:,} images",
            form=AskBudget if real else AskNumber,
            form_options={} if real else {"expected": images, "of_what": "images"},
            danger=real,
        )

        def take(values: dict) -> str:
            done = publish.publish(
                campaign,
                _who(request),
                production=real,
                yes_spend=values.get("budget"),
                in_queue=True,
            )
            campaign.refresh_from_db()
            path = door(campaign)
            begin = f" {how_people_begin(campaign, link_of(request, path))}" if path else ""
            published = (
                f"Published: {done.pairs:,} pairs of {done.images:,} images in {done.hits:,} HITs;"
                f" the first round costs {done.first_round}.{begin}"
            )
            return " ".join([published, *done.notes])

        return ask_first(self, request, campaign, step, take)

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
            return f"The campaign is {campaign.state}."

        return ask_first(self, request, campaign, step, take)

    @action(description="Close", permissions=["step"], icon="stop")
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        missing = waiting_places(campaign)
        step = Step(
            title=f"Close {campaign.name}",
            consequences=[
                f"The study ends with the counts as they are: {missing:,} answers are missing.",
                "It cannot be opened again.",
            ],
            button="Close it for good",
            form=AskNumberAndWhy,
            form_options={"expected": missing, "of_what": "missing answers"},
            danger=True,
        )

        def take(values: dict) -> str:
            publish.close(campaign, _who(request), values["why"], in_queue=True)
            return "Closed."

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
        )

        def take(values: dict) -> str:
            try:
                done = sync(campaign)
            except CrowdError as error:
                raise Refused(str(error)) from None
            return " ".join(report(campaign, done)) if not done.busy else SYNC_RUNNING

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


def _cost(campaign: Campaign, images: int) -> list[str]:
    """What publishing would cost, as sentences. Raises Refused if it cannot be published."""
    budget = "none" if campaign.budget is None else money.usd(campaign.budget)
    if images > LAID_OUT_FIRST:
        return [f"Its cost is computed first and checked against its budget ({budget})."]
    preview = publish.preview(campaign)
    return [
        f"{preview.hits:,} HITs. The first round costs {preview.first_round}, all"
        f" {preview.whole.answers:,} answers {preview.whole}. Budget: {budget}.",
        *preview.notes,
    ]


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
