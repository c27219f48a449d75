"""CLASSIFY in a real browser: whole HITs by keyboard, by touch and without scripts."""

from functools import partial

import pytest
from playwright.sync_api import expect

from tasks.models import Assignment, Campaign
from tests.studies.browsers import follow
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def campaign(tmp_path) -> Campaign:
    """One HIT of five pictures with three labels each."""
    return open_campaign(make_pictures(tmp_path, images=5), "classify", per_hit=5)


@pytest.fixture
def begin(browser, live_server, campaign):
    """Begin the HIT in a fresh browser: begin(**options of the browser) -> page."""
    contexts = []

    def begin_it(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(f"{live_server.url}/tasks/{campaign.public_id}/")
        follow(page, page.get_by_role("button", name="Begin"))
        if options.get("java_script_enabled", True):
            page.wait_for_selector("form[data-ready]")
        return page

    yield begin_it
    for context in contexts:
        context.close()


def chosen(page, picture: int) -> str:
    """What a picture's question shows as chosen: "13 main 3", "none", "unseen", or ""."""
    return (
        page.locator("fieldset")
        .nth(picture - 1)
        .evaluate(
            """question => {
             const checked = (name) => [...question.querySelectorAll(`input[name^=${name}-]`)]
               .map((input, index) => input.checked ? index + 1 : "").join("");
             return [checked("labels"), checked("main") && `main ${checked("main")}`,
               checked("none") && "none", checked("unseen") && "unseen"].filter(Boolean).join(" ");
           }"""
        )
    )


def answers() -> list[str]:
    """The one answer in the database, in the same words, picture by picture as shown."""
    stored = Assignment.objects.get(submitted_at__isnull=False)
    return [
        "unseen" if position in stored.unseen else _in_words(answer)
        for position, answer in zip(stored.shown, stored.answers, strict=True)
    ]


def _in_words(answer: dict) -> str:
    if not answer["selected"]:
        return f"none {answer['other']}".strip()
    places = {label: str(place) for place, label in enumerate(answer["offered"], start=1)}
    selected = "".join(sorted(places[label] for label in answer["selected"]))
    return f"{selected} main {places[answer['main']]}"


def press(page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def press_on_the_number_pad(page, number: int, key: str, **modifiers: bool) -> None:
    page.evaluate(
        """([code, key, modifiers]) => document.activeElement.dispatchEvent(
             new KeyboardEvent("keydown", { code, key, bubbles: true, ...modifiers }))""",
        [f"Numpad{number}", key, modifiers],
    )


def submit(page, keys: str = "") -> None:
    with page.expect_navigation():
        press(page, keys) if keys else page.get_by_role("button", name="Submit").click()


def test_a_whole_hit_by_keyboard_alone(begin):
    page = begin()
    press(page, "1 n z")  # nothing: the focus is not at a picture yet
    assert chosen(page, 1) == ""
    while not page.evaluate("document.activeElement.closest('fieldset')"):
        press(page, "Tab")

    press(page, "2")
    assert chosen(page, 1) == "2 main 2"  # a lone label is the main object
    press(page, "n 1 3")
    assert chosen(page, 2) == "13"  # of two, none is until the worker says so
    press(page, "Shift+Digit3")
    assert chosen(page, 2) == "13 main 3"
    press(page, "3 3")
    assert chosen(page, 2) == "13"  # unchecking the main label cleared it; 1 was only inferred
    press(page, "Shift+Digit3")

    press(page, "ArrowRight 1 Shift+Digit2 0")
    assert chosen(page, 3) == "none"
    press(page, "0")
    assert chosen(page, 3) == "12 main 2"
    press(page, "0 Tab")
    page.keyboard.type("1n 0?")
    press(page, "Enter")
    assert chosen(page, 3) == "none"
    assert page.evaluate("document.activeElement.value") == "1n 0?"

    press(page, "Shift+Tab n")
    press_on_the_number_pad(page, 1, "End")  # NumLock is off: the worker means End
    assert chosen(page, 4) == ""
    press_on_the_number_pad(page, 1, "1", modifierNumLock=True)
    press_on_the_number_pad(page, 3, "PageDown", modifierNumLock=True)  # with Shift
    assert chosen(page, 4) == "13 main 3"

    press(page, "n p p n n ArrowDown ArrowDown Space 9")
    assert chosen(page, 5) == "2 main 2"
    assert page.locator(".strip a.done").count() == 5
    submit(page, "Control+Enter")
    assert answers() == ["2 main 2", "13 main 3", "none 1n 0?", "13 main 3", "2 main 2"]


def test_a_whole_hit_by_touch(begin):
    page = begin(**PHONE)
    questions = page.locator("fieldset").all()

    def is_at_the_top(image) -> bool:
        box = image.bounding_box()
        return -1 <= box["y"] < box["y"] + box["height"] <= 844 / 3 + 1

    for number, question in enumerate(questions, start=1):
        page.locator(".strip a").nth(number - 1).tap()
        until(partial(is_at_the_top, question.locator(".image")))
        question.locator(".choice label").nth(number % 3).tap()
    first = questions[0]
    first.locator(".choice label").nth(0).tap()
    expect(first.locator("input[name^=labels-]:checked")).to_have_count(2)
    assert chosen(page, 1) == "12"
    first.locator(".main label").nth(0).tap()
    second = questions[1]
    second.get_by_text("None of these labels").tap()
    expect(second.locator("input[name^=none-]")).to_be_checked()
    assert chosen(page, 2) == "none"
    second.locator(".choice label").nth(1).tap()
    expect(second.locator("input[name^=main-]").nth(1)).to_be_checked()
    assert chosen(page, 2) == "2 main 2"
    expect(first.locator("input[name^=main-]").nth(0)).to_be_checked()
    first.locator(".image a").tap()
    expect(page.locator("dialog.zoom")).to_be_visible()
    page.locator("dialog.zoom").tap()
    expect(page.locator("dialog.zoom")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    submit(page)
    assert answers() == ["12 main 1", "2 main 2", "1 main 1", "2 main 2", "3 main 3"]


def test_a_whole_hit_without_scripts(begin):
    page = begin(java_script_enabled=False)
    one, two, three, four, five = page.locator("fieldset").all()
    one.locator("input[name^=labels-]").nth(2).check()
    for place in (0, 1):
        two.locator("input[name^=labels-]").nth(place).check()
    two.locator("input[name^=main-]").nth(1).check()
    three.get_by_label("None of these labels").check()
    three.get_by_label("What do you see?").fill("a tree")
    four.get_by_label("This picture did not load").check()
    five.locator("input[name^=labels-]").nth(0).check()
    submit(page)
    assert answers() == ["3 main 3", "12 main 2", "none a tree", "unseen", "1 main 1"]


def test_the_switch_turns_single_keys_off_and_hides_the_numbers(begin):
    page = begin()
    page.locator("fieldset .label-name").first.click()
    assert chosen(page, 1) == "1 main 1"
    assert page.locator(".number").first.is_visible()
    press(page, "Shift+?")
    page.get_by_label("one letter, digit or sign").uncheck()
    press(page, "Escape 2")
    assert chosen(page, 1) == "1 main 1"
    assert not page.locator(".number").first.is_visible()
    page.reload()
    page.wait_for_selector("form[data-ready]")
    page.locator("fieldset input").first.focus()
    press(page, "2 i")
    assert chosen(page, 1) == "1 main 1"
    assert page.locator("dialog:visible").count() == 0


def test_the_instructions_fold_once_work_has_begun_and_come_back_by_key(begin):
    page = begin()
    instructions = page.locator("details.instructions")
    collie = instructions.get_by_alt_text("of a collie")
    page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=collie.element_handle())
    page.locator("fieldset .label-name").first.click()
    page.add_init_script(
        """window.shift = 0; new PerformanceObserver(list => {
             for (const entry of list.getEntries()) window.shift += entry.value;
           }).observe({type: 'layout-shift', buffered: true});"""
    )
    page.reload(wait_until="networkidle")
    assert instructions.get_attribute("open") is None
    assert page.evaluate("window.shift") < 0.001
    page.locator("fieldset input").first.focus()
    press(page, "i")
    assert page.get_by_role("dialog", name="How it works").is_visible()
    press(page, "i 2")
    assert not page.get_by_role("dialog").is_visible()
    assert chosen(page, 1) == "12"  # the focus is back
    instructions.locator("summary").click()
    assert instructions.get_by_alt_text("of a collie").is_visible()
