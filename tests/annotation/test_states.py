"""Every page of the researchers' side, empty, waiting, failed and finished, as a person sees it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.report.celery_tasks import compute_report
from imagesets.models import Dataset, ImportJob
from models_inference.classifiers.trials import Said, note
from models_inference.models import InferenceJob, Trial
from tasks.campaigns.publish import close, pause
from tasks.market.troubles import keep_troubles
from tasks.models import Campaign, Flag, PictureReport
from tasks.results import aggregate
from tasks.work.review import reject, to_review
from tests.factories import (
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.browsers import SIZES
from tests.studies.practised import draft as practising_draft

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"]}
LOOKS = [("phone", "dark"), ("desk", "light")]  # every other page by the one or the other
FAR = (
    "The pretrained weights of resnet18 could not be fetched from timm's hub, https://hub.example"
    " (no route). Instead: give a weights file"
)

# Pages of an empty site, and words that say what to do there.
EMPTY = {
    "/": "",
    "/admin/": "Three steps to a first study",
    "/admin/imagesets/dataset/": "",
    "/admin/imagesets/import/": "",
    "/admin/tasks/campaign/": "",
    "/admin/tasks/worker/": "",
    "/admin/people/": "",
    "/admin/tokens/": "",
    "/admin/login/": "",
    "/admin/forgotten/": "",
    "/admin/link/none/": "",
    "/campaigns/new/": "Bring your images",
    "/reports/": "No study has ended yet",
    "/reports/compare/": "",
    "/campaigns/none/": "There is no such page",
    "/nowhere/": "There is no such page",
}
# Pages of a site with studies in every state, and words that say which.
STATES = {
    "/admin/": "need you",
    "/admin/imagesets/dataset/": "Bare",
    "/admin/tasks/campaign/": "",
    "/admin/tasks/flag/": "",
    "/admin/tasks/picturereport/": "",
    "/admin/tasks/worker/{worker}/change/": "",
    "{aside}": "Set worker",
    "/admin/tasks/campaign/{paused}/close/": "End the study for good",
    "/admin/imagesets/import/{waiting}/": "Waiting for a worker",
    "/admin/imagesets/import/{running}/": "This page refreshes itself",
    "/admin/imagesets/import/{broken}/": "The import stopped",
    "/admin/imagesets/import/{done}/": "See the study",
    "/datasets/tiny/": "CONTAINS",
    "/datasets/bare/": "none yet",
    "/datasets/tiny/classifiers/": "On trial, not saved yet",
    "/datasets/tiny/classifiers/?q=resnet": "",
    "/datasets/bare/classifiers/": "No classifier yet",
    "/datasets/tiny/classifiers/jobs/{job_waiting}/": "waits for a worker",
    "/datasets/tiny/classifiers/jobs/{job_silent}/": "no progress for 5 minutes",
    "/datasets/tiny/classifiers/jobs/{job_failed}/": "Bring a file",
    "/datasets/tiny/classifiers/jobs/{job_done}/": "Done: every image",
    "/datasets/tiny/classifiers/trials/{trial_waiting}/": "waits for a worker",
    "/datasets/tiny/classifiers/trials/{trial_failed}/": "Bring a file",
    "/datasets/tiny/classifiers/trials/{trial_said}/": "Nothing is saved yet",
    "/campaigns/draft/": "It is a draft",
    "/campaigns/open/": "answers wait for your review",
    "/campaigns/paused/": "It is paused",
    "/campaigns/finished/": "ask which objects the images show",
    "/campaigns/open/review/": "answers wait",
    "/campaigns/open/review/?at={rejected}": "Accept after all",
    "/campaigns/finished/review/": "No answer waits for your review",
    "/campaigns/open/log/": "",
    "/campaigns/open/people/": "",
    "/campaigns/practised/practice/": "",
    "/datasets/tiny/report/": "",
    "/datasets/bare/report/": "",
    "/reports/": "",
}


@pytest.fixture
def entered(live_server, page):
    """A function (user) -> the page, in which they are logged in."""

    def enter(user):
        client = Client()
        client.force_login(user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        page.context.add_cookies([cookie | {"url": live_server.url}])
        page.route("**/import/*/", stand_still)
        return page

    return enter


def stand_still(route) -> None:
    """An import's page, which would refresh itself while it is looked at."""
    reply = route.fetch()
    headers = {name: value for name, value in reply.headers.items() if name != "refresh"}
    route.fulfill(response=reply, headers=headers)


def faults_of(page, address: str, words: str, status: int, look: int) -> list[object]:
    """What is wrong with a page: its status, its words, its width, what axe finds in a look."""
    size, scheme = LOOKS[look % 2]
    page.set_viewport_size(SIZES[size])
    page.emulate_media(color_scheme=scheme)
    reply = page.goto(address)
    faults: list[object] = [reply.status] if status and reply.status != status else []
    if words and words not in page.inner_text("body"):
        faults.append(f"does not say {words!r}")
    for each in Axe().run(page, options=OPTIONS).response["violations"]:
        faults.append((size, scheme, each["id"], each["nodes"][0]["html"][:120]))
    for name, window in SIZES.items():
        page.set_viewport_size(window)
        if over := page.evaluate("Math.max(document.documentElement.scrollWidth - innerWidth, 0)"):
            faults.append(f"{over} px too wide for a {name}")
    return [address, *faults] if faults else []


def test_an_empty_site_says_what_to_do_first(live_server, entered):
    page = entered(make_user("rosa", "owner"))
    faults = []
    for look, (path, words) in enumerate(EMPTY.items()):
        status = 404 if words == "There is no such page" else 0 if "link" in path else 200
        faults.append(faults_of(page, live_server.url + path, words, status, look))
    assert [each for each in faults if each] == []


def test_pages_are_drawn_without_javascript(live_server, entered, browser):
    cookies = entered(make_user("rosa", "researcher")).context.cookies()
    without = browser.new_context(java_script_enabled=False)
    without.add_cookies(cookies)
    page = without.new_page()
    page.goto(f"{live_server.url}/admin/imagesets/import/")
    assert page.get_by_role("button", name="Start the import").is_visible()
    folder = page.locator("#folder")  # a script packs it
    assert (folder.count(), folder.is_visible()) == (1, False)
    without.close()


def test_every_state_of_every_page_is_drawn(live_server, entered, tmp_path):
    parts = made(tmp_path)
    page = entered(get_user_model().objects.create_superuser("root"))
    faults = [
        faults_of(page, live_server.url + path.format(**parts), words, 200, look)
        for look, (path, words) in enumerate(STATES.items())
    ]
    assert [each for each in faults if each] == []
    for role in ("researcher", "reviewer", "viewer"):
        sees_what_it_may_do(entered(make_user(role, role)), live_server.url, role, parts)


def sees_what_it_may_do(page, site: str, role: str, parts: dict[str, object]) -> None:
    """What a role may not do is not offered; its page says so, and leads on."""
    page.goto(f"{site}/campaigns/open/")
    assert ("Review" in page.inner_text("#live .next")) == (role != "viewer")
    page.goto(f"{site}/datasets/tiny/classifiers/")
    assert (page.locator("#add").count() == 1) == (role == "researcher")
    page.goto(f"{site}/campaigns/open/review/?at={parts['rejected']}")
    if role != "viewer":
        assert "Accept after all" in page.inner_text("body")
        return
    assert "You may not do this" in page.inner_text("body")
    page.get_by_role("link", name="Home").last.click()
    page.wait_for_url(f"{site}/admin/")


def made(folder) -> dict[str, object]:
    """A study in every state; the parts of the addresses of its pages."""
    dataset = make_awkward_dataset(folder / "pictures")
    Dataset.objects.create(slug="bare", name="Bare")
    workers = make_workers(3)
    Campaign.objects.create(slug="draft", name="Draft", dataset=dataset, kind="contains")
    finished = make_campaign(dataset, slug="finished", workers_per_item=3, round_size=3)
    work_through(finished, workers, random_answers())
    aggregate(finished)
    compute_report(finished.pk)
    paused = make_campaign(dataset, slug="paused", budget=Decimal("30.00"))
    pause(paused, "rosa", "")
    opened = make_campaign(
        dataset, slug="open", workers_per_item=4, review_sample=4, rejection=True
    )
    work_through(opened, workers, random_answers())
    rejected = to_review(opened).filter(for_person=True).first()
    reject(rejected, "Blind.", "rosa")
    keep_troubles(opened, ["Refused by the marketplace: the account is empty"])
    Flag.objects.create(campaign=opened, worker=workers[0], kind="yes", evidence="All yes.")
    PictureReport.objects.create(
        campaign=opened, worker=workers[0], image=dataset.images.first(), reason="Blurred."
    )
    opened.assignments.filter(worker=workers[0]).update(comment="What is a tench?")
    practised = practising_draft(folder / "practised")
    close(practised, "rosa", "")
    return {
        "worker": workers[0].pk,
        "aside": reverse("admin:tasks_worker_set_aside", args=[workers[0].pk]),
        "paused": paused.pk,
        "rejected": rejected.key,
        **_imports(dataset),
        **_jobs(dataset),
        **_trials(dataset),
    }


def _imports(dataset: Dataset) -> dict[str, int]:
    now = {"created_by": "rosa", "images": "s3://b/p", "heard_at": timezone.now()}
    states = {
        "waiting": {"state": "waiting"},
        "running": {"state": "running", "step": "Reading", "done": 3, "total": 9},
        "broken": {"state": "failed", "error": "No such bucket."},
        "done": {"state": "done", "counts": [["images", 7]], "slug": dataset.slug},
    }
    return {
        name: ImportJob.objects.create(**({"slug": name} | now | state)).pk
        for name, state in states.items()
    }


def _jobs(dataset: Dataset) -> dict[str, int]:
    now, ids = timezone.now(), list(dataset.classifiers.values_list("pk", flat=True))
    old = now - timedelta(hours=1)
    states = {
        "job_waiting": {"classifiers": ids[:1]},
        "job_silent": {"classifiers": [*ids, 0], "begun_at": old, "heard_at": old},
        "job_failed": {"classifiers": [*ids, 1, 2], "error": FAR, "finished_at": now},
        "job_done": {"classifiers": ids, "finished_at": now},
    }
    return {
        name: InferenceJob.objects.create(dataset=dataset, queued_at=now, **state).pk
        for name, state in states.items()
    }


def _trials(dataset: Dataset) -> dict[str, int]:
    made_of = {"dataset": dataset, "architecture": "resnet18", "weights": "pretrained"}
    trials = {
        name: Trial.objects.create(name=name, **made_of)
        for name in ("trial_waiting", "trial_failed", "trial_said")
    }
    Trial.objects.filter(name="trial_failed").update(error=FAR, finished_at=timezone.now())
    label, image = dataset.labels.first(), dataset.images.first()
    said = Said({image.pk: [(7, label.pk, 0.5), (8, None, 0.2)]}, [(7, label.pk)], 1000, 1)
    note(trials["trial_said"], said)
    return {name: trial.pk for name, trial in trials.items()}
