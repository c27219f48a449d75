"""A withdrawn image: its tile vanishes from open HITs, and nothing else of them is lost (V9)."""

import pytest
from django.test import Client

from annotation.explorer.withdrawing import bring_back, withdraw
from imagesets.models import Image
from imagesets.pictures.derivatives import image_urls, made, path_of
from tasks.models import Assignment, Campaign, Place
from tasks.models.campaign import State
from tasks.results import aggregate
from tasks.simulation.worksheet import worksheet
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit
from tests.factories import answer_no, make_workers
from tests.studies.laid_out import open_sections
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign
from tests.studies.threads import at_once, beside
from tests.studies.visitors import begin, door, is_at_work, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def pictures(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    dataset = make_pictures(tmp_path, 9)
    dataset.images.filter(width=1).delete()  # they are alike
    return dataset


class AtWork:
    """A browser with a HIT open."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign, self.browser = campaign, Client()
        response = begin(door(campaign), self.browser)
        assert is_at_work(response), says(response)
        self.address = response["Location"]
        self.assignment = Assignment.objects.latest("pk")
        self.sheet = worksheet(self.page())

    def page(self) -> str:
        return says(self.browser.get(self.address))

    def image(self, number: int) -> Image:
        """The image that the page shows there."""
        position = self.assignment.shown[number]
        return self.assignment.hit.items.get(position=position).image

    @property
    def tiles(self) -> list[str]:
        return [o.value for q in self.sheet.questions for o in q.named("selected")]

    def post(self, **fields):
        data: dict[str, list[str]] = {}
        for name, value in fields_of(self.sheet):
            data.setdefault(name, []).append(value)
        kept = {name: value for name, value in (data | fields).items() if value != ""}
        response = self.browser.post(self.address, kept)
        self.assignment.refresh_from_db()
        return response


def gone(image: Image) -> list[Image]:
    return withdraw(image, "ada", "a face")


def test_it_vanishes_from_open_work_and_from_its_addresses(
    pictures, django_capture_on_commit_callbacks
):
    worker = AtWork(open_sections(pictures, (7,)))
    image = worker.image(2)
    addresses = image_urls(image)
    assert made(image)
    assert [worker.browser.get(url).status_code for url in addresses] == [200, 200]
    assert addresses[0] in worker.page()
    with django_capture_on_commit_callbacks(execute=True):
        gone(image)
    page = worker.page()
    assert "Picture 3 has been withdrawn" in page
    assert image.public_id not in page
    assert [worker.browser.get(url).status_code for url in addresses] == [404, 404]
    assert not path_of(image.public_id, "tile").exists()
    preview = Client().get(f"/hit/{worker.assignment.hit.public_id}/")
    assert image.public_id not in says(preview)


def test_an_answer_under_way_that_names_it_is_valid_and_the_rest_is_kept(pictures):
    worker = AtWork(open_sections(pictures, (7,)))
    gone(worker.image(0))
    worker.post(selected=worker.tiles[:2], unseen=worker.tiles[2:3], none="")
    done = worker.assignment
    assert done.used
    assert done.selected == [done.shown[1]]
    assert sorted(done.unseen) == sorted([done.shown[0], done.shown[2]])


def test_a_section_where_only_it_was_selected_has_its_answer(pictures):
    worker = AtWork(open_sections(pictures, (7,)))
    gone(worker.image(4))
    worker.post(selected=worker.tiles[4:5], none="")
    assert worker.assignment.used
    assert worker.assignment.selected == []


def test_a_draft_that_names_it_comes_back_without_it(pictures):
    worker = AtWork(open_sections(pictures, (7,)))
    worker.post(draft="1", revision="1", selected=worker.tiles[:3], report=worker.tiles[3:4])
    gone(worker.image(0))
    gone(worker.image(3))
    assert worker.page().count(" checked") == 2 + 1  # and "none of these", which the form sent
    sent = worker.post(draft="1", revision="2", selected=worker.tiles[:3])
    assert sent.status_code == 204
    assert worker.assignment.picture_reports.count() == 1  # nobody took it back


def test_classify_goes_on_with_the_other_pictures(pictures):
    worker = AtWork(open_campaign(pictures, "classify", per_hit=7, workers_per_item=1))
    gone(worker.image(1))
    assert "Picture 2 has been withdrawn" in worker.page()
    worker.post()
    done = worker.assignment
    assert done.used
    assert done.unseen == [done.shown[1]]
    assert len(done.answers) == 7


def test_what_was_answered_before_counts_no_more_and_again_when_it_is_brought_back(pictures):
    worker = AtWork(open_sections(pictures, (7,)))
    image = worker.image(0)
    worker.post(selected=worker.tiles[:2], none="")
    pairs = worker.campaign.pairs

    def selected() -> dict[str, int]:
        aggregate(worker.campaign)
        results = pairs.filter(result__isnull=False)
        return dict(results.values_list("image__key", "result__selected"))

    before = selected()
    gone(image)
    assert selected() == {key: n for key, n in before.items() if key != image.key}
    bring_back(image, "boss", "no face after all")
    assert selected() == before
    assert made(image)
    assert worker.browser.get(image_urls(image)[0]).status_code == 200


def test_a_hit_left_with_nothing_is_given_to_nobody_and_who_has_it_open_may_send_it(pictures):
    settings = {"workers_per_item": 2, "round_size": 1}
    campaign = open_sections(pictures, (1,), **settings)
    worker = AtWork(campaign)
    image = worker.image(0)
    gone(image)
    assert "All pictures of this work have been withdrawn" in worker.page()
    assert not is_at_work(begin(door(campaign)))
    worker.post()
    assert worker.assignment.used
    campaign.refresh_from_db()
    assert campaign.state == State.FINISHED  # the second answer is wanted no more
    assert campaign.round == 2  # which opened no place
    log = campaign.transitions.filter(subject=f"image {image.key}")
    assert list(log.values_list("after", "who", "why")) == [("withdrawn", "ada", "a face")]
    bring_back(image, "boss", "no face")
    campaign.refresh_from_db()
    assert campaign.state == State.OPEN
    assert is_at_work(begin(door(campaign)))


def test_a_place_of_such_a_hit_that_expires_holds_nothing_up(pictures):
    campaign = open_sections(pictures, (1,), workers_per_item=1, round_size=1)
    (one,) = make_workers(1)
    assignment = next_assignment(campaign, one)
    gone(assignment.hit.items.get().image)
    Place.objects.update(free_at="2020-01-01T00:00Z")
    Assignment.objects.update(expires_at="2020-01-01T00:00Z", opened_at="2019-01-01T00:00Z")
    assert next_assignment(campaign, one) is None
    campaign.refresh_from_db()
    assert campaign.state == State.FINISHED


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_in_meanwhile_is_kept_and_holds_nothing_of_it(pictures):
    campaign = open_sections(pictures, (7,), workers_per_item=3, round_size=3)
    workers = make_workers(3)
    work = [next_assignment(campaign, worker) for worker in workers]
    aggregate(campaign)
    items = list(work[0].hit.items.order_by("position"))
    every = {"selected": work[0].shown, "maybe": [], "unseen": []}
    with beside(gone, items[0].image) as outcome:  # it waits for the answer's row
        submit(work[0], every)
    assert [image.key for image in outcome.result()] == [items[0].image.key]
    at_once(
        *(lambda each=each: submit(each, every) for each in work[1:]),
        *(lambda item=item: gone(item.image) for item in items[1:4]),
    )
    assert all(Assignment.objects.get(pk=each.pk).used for each in work)
    aggregate(campaign)
    results = campaign.pairs.filter(result__isnull=False)
    left = dict(results.values_list("image__key", "result__selected"))
    assert left == {item.image.key: 3 for item in items[4:]}


def test_the_same_file_under_another_key_goes_with_it(pictures):
    campaign = open_sections(pictures, (7,), workers_per_item=1, round_size=1)
    first, second, third = pictures.images.order_by("key")[:3]
    Image.objects.filter(pk=third.pk).update(sha256=first.sha256)
    assert [image.key for image in gone(first)] == [first.key, third.key]
    assert gone(third) == []  # again: nothing changes
    (one,) = make_workers(1)
    assignment = next_assignment(campaign, one)
    submit(assignment, answer_no(assignment))
    aggregate(campaign)
    counted = campaign.pairs.filter(result__isnull=False).values_list("image", flat=True)
    assert second.pk in counted
    assert not {first.pk, third.pk} & set(counted)
