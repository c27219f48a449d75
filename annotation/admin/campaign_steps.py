"""The steps of a campaign in the admin: each says what it does and costs, and asks first."""

from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action

from annotation.admin.steps import (
    AskBudget,
    AskNumber,
    AskNumberAndWhy,
    AskWhy,
    Step,
    ask_first,
)
from tasks import money
from tasks.campaigns import publish
from tasks.campaigns.findings import image_findings, in_a_sentence, label_findings
from tasks.crowds import CrowdError, crowd_of
from tasks.market.sync import report, sync
from tasks.models import Campaign
from tasks.results import aggregate
from tasks.work.rounds import waiting_places

LAID_OUT_FIRST = 5000  # images: up to so many the page lays out what it would cost


class CampaignSteps(ModelAdmin):
    """Publish, pause, resume, sync, aggregate, close."""

    @action(description="Publish", permissions=["take_step"], icon="play_arrow")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
        real = crowd_of(campaign).pays and not campaign.sandbox
        try:
            images = len(publish.chosen_images(campaign))
            findings = [in_a_sentence(*label_findings(campaign)), image_findings(campaign)]
            cost = _cost(campaign, images)
        except (publish.Refused, ValueError):  # the page will say so
            images, findings, cost = 0, [], []
        step = Step(
            title=f"Publish {campaign.name}",
            consequences=[
                f"{images:,} images of {campaign.dataset.slug} are in it"
                + (f", as chosen from {campaign.source.slug}." if campaign.source else "."),
                f"Each question is put to {campaign.workers_per_item} workers,"
                f" {min(campaign.round_size, campaign.workers_per_item)} in the first round.",
                *cost,
                "What it asks (candidates, layout, texts, settings) is frozen from then on.",
                *filter(None, findings),
            ],
            button="Publish, and spend real money" if real else f"Publish {images:,} images",
            form=AskBudget if real else AskNumber,
            form_options={} if real else {"expected": images, "of_what": "images"},
            danger=real,
        )

        def take(said: dict) -> str:
            done = publish.publish(
                campaign,
                _who(request),
                production=real,
                yes_spend=said.get("budget"),
                in_queue=True,
            )
            return (
                f"Published: {done.pairs:,} pairs of {done.images:,} images in {done.hits:,} HITs;"
                f" the first round costs {done.first_round}."
            )

        return ask_first(self, request, campaign, step, take)

    @action(description="Pause", permissions=["take_step"], icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
        step = Step(
            title=f"Pause {campaign.name}",
            consequences=["No more work is given out.", "What workers have open they may finish."],
            button="Pause",
            form=AskWhy,
        )

        def take(said: dict) -> str:
            publish.pause(campaign, _who(request), said["why"], in_queue=True)
            return "Paused."

        return ask_first(self, request, campaign, step, take)

    @action(description="Resume", permissions=["take_step"], icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
        step = Step(
            title=f"Resume {campaign.name}",
            consequences=["Work is given out again."],
            button="Resume",
            form=AskWhy,
        )

        def take(said: dict) -> str:
            publish.resume(campaign, _who(request), said["why"], in_queue=True)
            return f"The campaign is {campaign.state}."

        return ask_first(self, request, campaign, step, take)

    @action(description="Close", permissions=["take_step"], icon="stop")
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
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

        def take(said: dict) -> str:
            publish.close(campaign, _who(request), said["why"], in_queue=True)
            return "Closed."

        return ask_first(self, request, campaign, step, take)

    @action(description="Sync", permissions=["take_step"], icon="sync")
    def sync(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
        step = Step(
            title=f"Sync {campaign.name}",
            consequences=[
                "What the marketplace knows is fetched; answers that wait are reviewed; what is"
                " accepted is paid; free places are offered.",
                "The queue does this every few minutes by itself.",
            ],
            button="Sync now",
        )

        def take(said: dict) -> str:
            try:
                done = sync(campaign)
            except CrowdError as error:
                raise publish.Refused(str(error)) from None
            return " ".join(report(campaign, done)) if not done.busy else "A sync is running."

        return ask_first(self, request, campaign, step, take)

    @action(description="Aggregate", permissions=["take_step"], icon="functions")
    def aggregate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = _campaign(object_id)
        step = Step(
            title=f"Aggregate {campaign.name}",
            consequences=["Results are computed anew of the used answers; the last ones go."],
            button="Aggregate now",
        )

        def take(said: dict) -> str:
            run = aggregate(campaign)
            return f"Aggregated in {run.seconds:.1f} s: {run.counts_told}."

        return ask_first(self, request, campaign, step, take)


def _cost(campaign: Campaign, images: int) -> list[str]:
    """What publishing would cost, as sentences. Raises Refused where it cannot be published."""
    budget = "none" if campaign.budget is None else money.usd(campaign.budget)
    if images > LAID_OUT_FIRST:
        return [f"What it costs is computed and held against its budget ({budget}) first."]
    would = publish.preview(campaign)
    return [
        f"{would.hits:,} HITs. The first round costs {would.first_round}, all"
        f" {would.whole.answers:,} answers {would.whole}. Budget: {budget}."
    ]


def _campaign(object_id: str) -> Campaign:
    return Campaign.objects.select_related("dataset", "source").get(pk=object_id)


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
