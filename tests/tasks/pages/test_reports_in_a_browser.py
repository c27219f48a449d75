"""Reporting a picture in a real browser: by mouse, keys and touch, with and without scripts."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tasks.models import Assignment, PictureReport
from tasks.models.assignment import AssignmentState
from tests.studies.browsers import SIZES, follow
from tests.studies.laid_out import open_sections
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.processes import until
from tests.studies.visitors import door

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = {"viewport": SIZES["desk"]}
PHONE = {"viewport": SIZES["phone"], "has_touch": True, "is_mobile": True}


@pytest.fixture
def dataset(tmp_path):
    dataset = make_pictures(tmp_path, 12)
    alike = dataset.images.filter(width=1)  # those of one pixel are the same file
    alike.exclude(pk=alike[0].pk).delete()
    return dataset


@pytest.fixture
def contains(dataset):
    return open_sections(dataset, (1, 8), workers_per_item=9, round_size=9)


@pytest.fixture
def classify(dataset):
    return open_campaign(dataset, "classify", per_hit=5, workers_per_item=9, round_size=9)


@pytest.fixture
def work(browser, live_server):
    """Begin a campaign in a fresh browser: work(campaign, options) -> the HIT's page."""
    contexts = []

    def begin(campaign, options=DESK):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(live_server.url + door(campaign))
        follow(page, page.get_by_role("button", name="Begin"))
        if options.get("java_script_enabled", True):
            page.locator("form.work[data-ready]").wait_for(state="attached")
        return page

    yield begin
    for context in contexts:
        context.close()


def shot(page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def flip(place) -> None:
    """Press "Report" at a picture, or "Undo"."""
    place.locator("input.report, label.report").first.click()


def grid(page):
    """The tiles of the section of eight."""
    return page.locator(".wide .tile").all()


def reports() -> int:
    return PictureReport.objects.count()


def unseen(page) -> list[int]:
    """Where on the page the stored answer has an unseen item."""
    expect(page.locator("form.work")).to_have_count(0)
    done = Assignment.objects.get(state=AssignmentState.SUBMITTED)
    assert done.used
    assert not set(done.unseen) & set(done.selected)
    return [number for number, position in enumerate(done.shown) if position in done.unseen]


def number_of(page, tile) -> int:
    ids = page.eval_on_selector_all(".tile", "all => all.map(e => e.id)")
    return ids.index(tile.get_attribute("id"))


def test_by_mouse_it_hides_at_once_is_sent_at_once_and_can_be_undone(contains, work):
    page = work(contains)
    tile, other = grid(page)[1:3]
    picture = tile.locator("img[data-picture]")
    tile.locator("input[name=selected]").check()
    tile.hover()
    shot(page, "hover")
    flip(tile)
    expect(picture).to_be_hidden()
    expect(tile.get_by_text("Reported.")).to_be_visible()
    assert not tile.locator("input[name=selected]").is_checked()
    until(lambda: reports() == 1)
    flip(tile)
    expect(picture).to_be_visible()
    until(lambda: reports() == 0)
    flip(tile)
    tile.get_by_label("Why?").fill("a wound")
    tile.get_by_label("Why?").press("Enter")  # sends nothing
    shot(page, "reported")
    until(lambda: PictureReport.objects.filter(reason="a wound").exists())
    page.reload()
    page.locator("form.work[data-ready]").wait_for(state="attached")
    tile = page.locator(f"#{tile.get_attribute('id')}")
    expect(tile.locator("img[data-picture]")).to_be_hidden()
    assert tile.get_by_label("Why?").input_value() == "a wound"
    card = page.locator(".card")
    card.hover()
    flip(card)  # a card of one picture is answered by that
    expect(page.locator(".tally")).to_contain_text("1 of 2")
    grid(page)[5].locator("input[name=selected]").check()
    wanted = sorted([number_of(page, tile), number_of(page, card.locator(".tile"))])
    page.locator(".bar .main").click()
    assert unseen(page) == wanted
    assert reports() == 2
    assert other


def test_by_keyboard(contains, work):
    page = work(contains)
    press = page.keyboard.press
    tile = grid(page)[0]
    tile.locator("input[name=selected]").focus()
    press("r")
    expect(tile.locator("img[data-picture]")).to_be_hidden()
    focused = "document.activeElement.name + document.activeElement.closest('.tile').id"
    undo = "report" + tile.get_attribute("id")
    assert page.evaluate(focused) == undo
    press("ArrowRight")
    press("ArrowLeft")
    assert page.evaluate(focused) == undo
    press("Tab")
    page.keyboard.type("so x r 0 sad")
    press("Enter")
    assert tile.get_by_label("Why?").input_value() == "so x r 0 sad"
    press("Shift+Tab")
    press("z")
    expect(page.get_by_role("dialog")).to_have_count(0)  # there is nothing to look at
    press("Space")
    expect(tile.locator("img[data-picture]")).to_be_visible()
    assert page.evaluate("document.activeElement.name") == "selected"
    press("?")
    page.get_by_label("Use the keys").uncheck()
    press("Escape")
    press("r")
    expect(tile.locator("img[data-picture]")).to_be_visible()
    while page.evaluate("document.activeElement.name") != "report":
        press("Tab")
    press("Space")
    expect(tile.locator("img[data-picture]")).to_be_hidden()
    until(lambda: reports() == 1)
    page.locator(".return button").first.click()
    page.get_by_role("button", name="Give it back", exact=True).click()
    page.get_by_role("heading", name="You have given the work back").wait_for()
    assert reports() == 1


def test_by_touch(contains, work):
    page = work(contains, PHONE)
    tile, other, third = grid(page)[:3]
    tile.scroll_into_view_if_needed()
    shot(page, "phone")
    label = tile.locator("input.report")
    assert label.bounding_box()["height"] >= 44
    box = tile.locator("img[data-picture]").bounding_box()
    other.tap()  # the tile itself is as it was
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20)
    expect(page.locator("[name=selected]:checked")).to_have_count(2)
    label.tap()
    expect(tile.locator("img[data-picture]")).to_be_hidden()
    shot(page, "phone-reported")
    assert label.bounding_box()["height"] >= 44
    third.get_by_text("Larger").evaluate("link => link.click()")
    shot(page, "phone-zoom")
    page.get_by_role("dialog").get_by_role("button", name="Report this picture").tap()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(third.locator("img[data-picture]")).to_be_hidden()
    until(lambda: reports() == 2)
    label.tap()
    until(lambda: reports() == 1)


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_without_scripts(kind, contains, classify, work):
    page = work(
        {"contains": contains, "classify": classify}[kind], DESK | {"java_script_enabled": False}
    )
    place = page.locator({"contains": ".wide .tile", "classify": "fieldset"}[kind]).first
    picture = place.locator("img[data-picture]")
    send = page.get_by_role("button", name="Send your reports")
    expect(send).to_be_hidden()
    flip(place)
    expect(picture).to_be_hidden()
    flip(place)
    expect(picture).to_be_visible()
    flip(place)
    place.get_by_label("Why?").fill("cruel")
    follow(page, send)
    assert PictureReport.objects.get().reason == "cruel"
    expect(picture).to_be_hidden()
    flip(place)
    follow(page, page.get_by_role("button", name="Submit"))  # questions are open
    expect(page.get_by_role("alert")).to_be_visible()
    assert reports() == 0


def test_in_a_frame_without_cookies(contains, work, browser, live_server):
    address = work(contains).url
    with browser.new_context(**DESK) as stranger:
        page = stranger.new_page()
        page.goto(f"{live_server.url}/healthz")
        page.evaluate(
            """address => {
                 const frame = document.createElement("iframe");
                 Object.assign(frame, { src: address, width: 1200, height: 800 });
                 document.body.append(frame);
               }""",
            address,
        )
        inside = page.frame_locator("iframe")
        tile = inside.locator(".wide .tile").first
        inside.locator("form.work[data-ready]").wait_for(state="attached")
        tile.hover()
        flip(tile)
        until(lambda: reports() == 1)
        expect(tile.locator("img[data-picture]")).to_be_hidden()
        assert stranger.cookies() == []


def test_of_classify_the_answer_goes_and_comes_back(classify, work):
    page = work(classify)
    first, second, *others = page.locator("fieldset").all()
    labels = first.locator("input[name^=labels-]")
    labels.first.check()
    flip(first.locator(".image"))
    expect(first.locator("img[data-picture]")).to_be_hidden()
    expect(labels.first).to_be_hidden()
    expect(page.locator(".tally")).to_contain_text("1 of 5")
    shot(page, "classify")
    flip(first.locator(".image"))
    expect(labels.first).to_be_checked()
    second.focus()
    page.keyboard.press("r")
    expect(second.locator("img[data-picture]")).to_be_hidden()
    page.keyboard.press("r")
    expect(second.locator("img[data-picture]")).to_be_visible()
    page.keyboard.press("r")
    for other in others:
        other.get_by_label("None of these").check()
    page.locator(".bar .main").click()
    submitted = Assignment.objects.filter(state=AssignmentState.SUBMITTED)
    until(submitted.exists)
    done = Assignment.objects.get(state=AssignmentState.SUBMITTED)
    assert done.unseen == done.shown[1:2]
    assert PictureReport.objects.get().image == done.hit.items.get(position=done.shown[1]).image


@pytest.mark.parametrize("options", [DESK, PHONE | {"color_scheme": "dark"}])
def test_axe_finds_nothing_and_a_reported_picture_is_not_even_asked_for(
    options, contains, classify, dataset, work
):
    page = work(contains, options)
    found = []

    def look(state: str) -> None:
        for violation in Axe().run(page).response["violations"]:
            where = [node["html"][:120] for node in violation["nodes"][:3]]
            found.append((state, violation["id"], where))

    for tile in page.locator(".tile").all():
        flip(tile)
    until(lambda: reports() == 9)
    look("all reported")
    shot(page, f"all-{page.viewport_size['width']}")
    page.locator(".bar .main").click()
    expect(page.locator("form.work")).to_have_count(0)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for number, campaign in enumerate(
        [open_sections(dataset, (1, 9), name="later", slug="later"), classify]
    ):
        page.goto(page.url.split("/tasks/")[0].split("/hit/")[0] + door(campaign))
        page.get_by_role("button", name="Begin").click()
        page.locator("form.work[data-ready]").wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        shot(page, f"later-{number}-{page.viewport_size['width']}")
        look("a later HIT")
        expect(page.get_by_text("You reported picture").first).to_be_visible()
    for public_id in PictureReport.objects.values_list("image__public_id", flat=True):
        assert not any(public_id in address for address in asked)
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelectorAll('.tile, [data-item]').length") < 9
    assert found == []
