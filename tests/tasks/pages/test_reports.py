"""Reported pictures: kept at once, hidden from their worker, in no result (rule V8)."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tasks.models import Assignment, Flag, PictureReport
from tasks.models.assignment import AssignmentState
from tasks.results import aggregate
from tasks.simulation.worksheet import worksheet
from tasks.work import reporting
from tests.factories import make_user
from tests.studies.laid_out import open_sections
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign
from tests.studies.visitors import begin, door, is_at_work, says

pytestmark = pytest.mark.django_db


class Worker:
    """A browser at work on a HIT."""

    def __init__(self, campaign) -> None:
        self.campaign, self.browser, self.revision = campaign, Client(), 0
        self.go_on(begin(door(campaign), self.browser))

    def go_on(self, response) -> None:
        assert is_at_work(response), says(response)
        self.address = response["Location"]
        self.sheet = worksheet(self.page())
        values = [o.value for q in self.sheet.questions for o in q.named("selected")]
        self.items = values or [q.named("report-")[0].name[7:] for q in self.sheet.questions]

    def page(self) -> str:
        return self.browser.get(self.address).content.decode()

    @property
    def assignment(self) -> Assignment:
        return Assignment.objects.order_by("-pk")[0]

    def post(self, **fields):
        """The page's form with "none of these" throughout, and these fields besides."""
        data: dict[str, list[str]] = {}
        for name, value in fields_of(self.sheet):
            data.setdefault(name, []).append(value)
        kept = {name: value for name, value in (data | fields).items() if value != ""}
        return self.browser.post(self.address, kept)

    def draft(self, revision: int | None = None, **fields):
        self.revision += 1
        number = {"draft": "1", "revision": str(revision or self.revision)}
        return self.post(**number, **fields)


@pytest.fixture
def pictures(tmp_path):
    dataset = make_pictures(tmp_path, 12)
    for number, image in enumerate(dataset.images.all()):  # those of one pixel are alike
        image.sha256 = f"{number:064}"
        image.save()
    return dataset


@pytest.fixture
def worker(pictures) -> Worker:
    return Worker(open_sections(pictures, (8,)))


def reported() -> list[str]:
    """The keys of the pictures reported."""
    return list(PictureReport.objects.order_by("image").values_list("image__key", flat=True))


def keys_of(worker: Worker, *numbers: int) -> list[str]:
    """The keys of the pictures that the worker's page shows there."""
    done = worker.assignment
    items = dict(done.hit.items.values_list("position", "image__key"))
    return sorted(items[done.shown[number]] for number in numbers)


def test_a_draft_sends_a_report_at_once_and_takes_it_back(worker):
    first, second, *_ = worker.items
    reports = {"report": [first, second], f"why-{first}": "blood"}
    assert worker.draft(**reports).status_code == 204
    assert reported() == keys_of(worker, 0, 1)
    assert worker.page().count(" checked") == 2 + 1  # and "none of these"
    worker.draft(**reports)
    assert PictureReport.objects.count() == 2
    worker.draft(report=[first], **{f"why-{first}": "much blood"})
    assert reported() == keys_of(worker, 0)
    report = PictureReport.objects.get()
    assert report.reason == "much blood"
    assert report.label.names == ["tabby", "tabby cat"]
    worker.draft(revision=1, report=[second])  # it comes late: a newer one is there
    assert reported() == keys_of(worker, 0)
    worker.draft()
    assert reported() == []


def test_a_draft_that_a_newer_one_overtakes_changes_no_report(worker):
    worker.draft(revision=2, report=worker.items[:1])
    reporting.keep_reports(worker.assignment, {}, revision=1)  # stored first, and slower
    assert len(reported()) == 1
    reporting.keep_reports(worker.assignment, {}, revision=2)
    assert reported() == []


def test_a_report_stands_when_the_work_is_given_back_or_over(worker):
    worker.draft(report=worker.items[:1])
    worker.browser.post(worker.address, {"return": "1", "sure": "1"})
    assert worker.assignment.state == AssignmentState.RETURNED
    assert worker.draft(report=worker.items[1:2]).status_code == 410
    assert reported() == keys_of(worker, 0, 1)  # a report of work that is over takes none back


def test_reported_pictures_are_unseen_and_hold_no_answer_back(worker):
    reports = {"report": worker.items[:5]}
    lost = worker.post(none="", selected=worker.items[4:5], unseen=worker.items[5:], **reports)
    assert "3 of the 8 pictures did not load" in says(worker.browser.get(lost["Location"]))
    assert len(reported()) == 5  # a form with mistakes is kept with its reports
    assert worker.page().count(" checked") == 5 + 3
    worker.post(**reports)
    done = worker.assignment
    assert done.used
    assert done.selected == []
    assert sorted(done.unseen) == sorted(done.shown[:5])
    aggregate(worker.campaign)
    shown = worker.campaign.pairs.values_list("result__shown", flat=True)
    assert sorted(shown) == [0] * 5 + [1] * 3


def test_a_report_covers_what_was_chosen_for_its_picture(worker):
    chosen = {"selected": worker.items[:2], "report": worker.items[:1], "none": ""}
    worker.post(**chosen)
    done = worker.assignment
    assert (done.selected, done.unseen) == ([done.shown[1]], [done.shown[0]])


def test_a_reported_picture_never_comes_again_and_is_unseen_by_itself(pictures):
    worker = Worker(open_sections(pictures, (8,)))
    worker.post(report=worker.items[:1])
    report = PictureReport.objects.get()
    same = report.image
    other = pictures.images.exclude(pk__in=worker.assignment.hit.items.values("image"))[0]
    other.sha256 = same.sha256  # the same file under another key
    other.save()
    form = open_campaign(pictures, "classify", per_hit=12, slug="form")
    worker.campaign = form
    response = begin(door(form), worker.browser)
    assert is_at_work(response)
    page = worker.browser.get(response["Location"])
    for hidden in (same, other):
        assert hidden.public_id not in page.content.decode()
        assert hidden.public_id not in page.headers.get("Link", "")
    assert says(page).count("You reported picture") == 2
    worker.address, worker.sheet = response["Location"], worksheet(page.content.decode())
    worker.post()
    done = worker.assignment
    hidden = dict(done.hit.items.values_list("position", "image"))
    assert {hidden[position] for position in done.unseen} == {same.pk, other.pk}
    assert done.used
    assert PictureReport.objects.get() == report
    stranger = Client()
    assert same.public_id in stranger.get(begin(door(form), stranger)["Location"]).content.decode()


def test_classify_has_a_report_for_each_picture(pictures):
    worker = Worker(open_campaign(pictures, "classify", per_hit=6))
    names = {f"report-{item}": "1" for item in worker.items[:3]}
    fields = {f"why-{worker.items[0]}": "private"} | names
    assert "problems" not in worker.post(**fields)["Location"]
    done = Assignment.objects.get(state=AssignmentState.SUBMITTED)
    assert done.unseen == done.shown[:3]
    assert sorted(PictureReport.objects.values_list("reason", "label")) == [
        ("", None),
        ("", None),
        ("private", None),
    ]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"report": "nonsense"}, "not on this page"),
        ({"report-nonsense": "1"}, "not on this page"),
        ({"why": "x" * 201}, "the limit is 200"),
    ],
)
def test_what_is_no_report_is_refused(worker, fields, why):
    if "why" in fields:
        item = worker.items[0]
        fields = {"report": item, f"why-{item}": fields["why"]}
    assert why in says(worker.browser.get(worker.post(**fields)["Location"]))


def test_nobody_floods_the_list(worker, monkeypatch):
    monkeypatch.setattr(reporting, "MOST", 2)
    worker.draft(report=worker.items[:5])
    assert PictureReport.objects.count() == 2
    refused = worker.browser.get(worker.post(report=worker.items[:5])["Location"])
    assert "Undo 3 of those" in says(refused)
    assert "thanks" in worker.post(report=worker.items[:2])["Location"]


def test_who_alone_reports_much_is_flagged(pictures, monkeypatch):
    monkeypatch.setattr("tasks.aggregation.flags.REPORTED", 3)
    campaign = open_sections(pictures, (8,))
    for number in (4, 1, 1):
        worker = Worker(campaign)
        worker.post(report=[i for i, k in picked(worker)[:number]])
    aggregate(campaign)
    (flag,) = Flag.objects.filter(kind="reports")
    assert "Reported 4 of the 8" in flag.evidence
    assert "3 of these were seen" in flag.evidence  # the other one they all reported


def picked(worker: Worker) -> list[tuple[str, str]]:
    """The items of a page with their pictures' keys, in order of these."""
    done = worker.assignment
    key = dict(done.hit.items.values_list("position", "image__key"))
    rows = zip(worker.items, (key[position] for position in done.shown), strict=True)
    return sorted(rows, key=lambda row: row[1])


def test_the_admin_lists_open_pictures_until_somebody_resolves_them(worker, client):
    item = worker.items[0]
    worker.draft(report=[item], **{f"why-{item}": "<b>cruel</b>"})
    report = PictureReport.objects.get()
    client.force_login(make_user("Rita", "reviewer"))
    listing = f"/admin/tasks/picturereport/?campaign__id__exact={worker.campaign.pk}&state=open"
    page = f"/admin/tasks/picturereport/{report.pk}/change/"
    for address in (listing, page):
        text = says(client.get(address))
        assert "&lt;b&gt;cruel&lt;/b&gt;" in text, address
        assert report.image.key in text
        assert f"/images/{report.image.public_id}" in text
    assert "1 worker" in says(client.get(listing))
    live = says(client.get(f"/campaigns/{worker.campaign.slug}/"))
    assert f"/images/{report.image.public_id}" in live
    assert "by 1 worker: “&lt;b&gt;cruel&lt;/b&gt;”" in live
    chosen = {"action": "resolve_chosen", "_selected_action": report.pk}
    client.post(listing, chosen)
    report.refresh_from_db()
    assert report.resolved_by == "Rita"
    assert "cruel" not in says(client.get(f"/campaigns/{worker.campaign.slug}/"))
    assert "cruel" not in says(client.get(listing))
    PictureReport.objects.update(resolved_at=None, resolved_by="")
    client.force_login(make_user("Vera", "viewer"))
    client.post(listing, chosen)
    assert client.post(f"/admin/tasks/picturereport/{report.pk}/resolve/").status_code == 403
    assert PictureReport.objects.filter(resolved_at=None).exists()
    client.force_login(make_user("Rita"))
    client.post(f"/admin/tasks/picturereport/{report.pk}/resolve/")
    assert not PictureReport.objects.filter(resolved_at=None).exists()


def test_the_database_keeps_one_report_of_a_worker_and_who_resolved_it(worker):
    worker.draft(report=worker.items[:1])
    report = PictureReport.objects.get()
    report.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        report.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        PictureReport.objects.update(resolved_at=timezone.now())
