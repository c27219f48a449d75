"""Flags: what a machine, or one person under many names, leaves behind; evidence only (rule V4)."""

import json

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from tasks.aggregation.flags import alike, too_fast
from tasks.models import Assignment, Flag, Worker
from tasks.pages.hand import read_hand
from tasks.results import aggregate
from tasks.results.flags import evidence_of_hand
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import answer_one, begin, door


def crowd(workers: int, items: int, seed: int = 0, sure: float = 0.85) -> np.ndarray:
    """(workers, items): independent answers of people who see the same thing `sure` of the time."""
    rng = np.random.default_rng(seed)
    truth = rng.random(items) < 0.5
    return np.where(rng.random((workers, items)) < sure, truth, ~truth)


def compared(answers: np.ndarray, place: list[int]) -> list[tuple[int, int]]:
    worker, unit = np.indices(answers.shape)
    value = answers.astype(np.int64).ravel()
    return [
        (pair.first, pair.second)
        for pair in alike(np.array(place), worker.ravel(), unit.ravel(), value)
    ]


def test_one_person_under_three_names_agrees_too_well():
    answers = crowd(12, 60)
    answers[1] = answers[2] = answers[0]
    answers[2, :2] ^= True  # not quite
    home = [0, 0, 0, *[1] * 9]
    assert compared(answers, home) == [(0, 1), (0, 2), (1, 2)]
    assert compared(answers, [0, 1, 2, *[3] * 9]) == []  # of one network only
    assert compared(answers, [-1] * 12) == []


@pytest.mark.parametrize("sure", [0.7, 0.9, 0.99])
def test_a_class_behind_one_address_is_not_taken_for_one_person(sure):
    for seed in range(5):
        assert compared(crowd(30, 300, seed, sure), [0] * 30) == []


def test_few_answers_prove_nothing():
    answers = crowd(12, 19)
    answers[1] = answers[0]
    assert compared(answers, [0] * 12) == []


def test_a_network_is_too_fast_by_the_middle_of_its_answers():
    place, worker = np.array([0, 0, 1, -1]), np.array([0, 0, 1, 1, 2, 2, 2, 3, 3, 3])
    expected = np.full(10, 60.0)
    seconds = np.array([0.1, 0.1, 0.2, 50.0, 12.0, 30.0, 40.0, 0.1, 0.1, 0.1])
    (found,) = too_fast(place, worker, seconds, expected)
    assert (found.place, found.workers, found.expected) == (0, [0], 60.0)
    assert found.seconds == pytest.approx(0.15)
    assert too_fast(place, worker[:2], seconds[:2], expected[:2]) == []


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", "nonsense", '{"events": 1}', '{"events": NaN}', "9" * 400, "[" * 200]
    + [
        json.dumps({"events": 1, "choices": 1, "pace": 0, "spread": 0} | wrong)
        for wrong in ({"events": -1}, {"pace": "1"}, {"choices": True}, {"more": 1})
    ]
    + ['{"events": 1, "choices": 1, "pace": Infinity, "spread": 0}'],
)
def test_what_the_script_did_not_write_is_ignored(text):
    assert read_hand(text) is None


@pytest.fixture
def campaign(db, tmp_path):
    return open_campaign(make_pictures(tmp_path), "contains", workers_per_item=3, round_size=3)


def test_one_client_that_answers_as_many_is_flagged_and_nothing_is_rejected(campaign, admin_client):
    for _ in range(3):
        browser = Client()
        answer_one(browser, answer_one(browser, begin(door(campaign), browser)))
    aggregate(campaign)
    workers = Worker.objects.filter(flags__kind="fast")
    assert workers.count() == 3
    assert Assignment.objects.filter(outcome="accepted", set_aside=False).count() == 6
    evidence = workers[0].flags.get().evidence
    assert "where 60 s are expected; 3 of its workers are as fast" in evidence
    assert "127.0.0.1" not in evidence
    pages = [reverse("admin:tasks_worker_change", args=[workers[0].pk])]
    answer = Assignment.objects.filter(worker=workers[0])[0]
    pages += [reverse("admin:tasks_assignment_change", args=[answer.pk])]
    pages += [reverse("admin:tasks_flag_changelist")]
    for page in pages:
        assert evidence.replace("'", "&#x27;") in admin_client.get(page).content.decode()
    aggregate(campaign)
    assert Flag.objects.count() == 3


def test_a_form_without_a_hand_is_kept_and_flagged(campaign):
    hands = [
        {"events": 0, "choices": 6, "pace": 0.01, "spread": 0.002},
        {"events": 40, "choices": 12, "pace": 0.8, "spread": 0.01},
        {"events": 40, "choices": 12, "pace": 0.8, "spread": 0.5},
        None,
    ]
    browser = Client()
    response = begin(door(campaign), browser)
    for hand in hands:
        if "/hit/" not in response["Location"]:
            browser = Client()
            response = begin(door(campaign), browser)
        response = answer_one(browser, response, hand=json.dumps(hand))
    stored = list(Assignment.objects.filter(state="submitted").values_list("hand", flat=True))
    assert stored == hands
    aggregate(campaign)
    said = [flag.evidence for flag in Flag.objects.filter(kind="hand").order_by("pk")]
    assert said == [
        "The form was sent without any pointer, key or click on its page.",
        "Made 12 choices at a constant pace: 0.80 s apart, give or take 0.010 s.",
    ]


BY_PROGRAM = """
    for (const box of document.querySelectorAll("input[name=none]")) box.checked = true;
    document.querySelector("form.work").requestSubmit();
"""


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["mouse", "keyboard", "program", "mouse without the script"])
def test_the_pages_script_tells_a_hand_from_a_program(who, campaign, live_server, browser):
    with browser.new_context(java_script_enabled="without" not in who) as context:
        page = context.new_page()
        page.goto(live_server.url + door(campaign))
        page.get_by_role("button", name="Begin").click()
        ready = "" if "without" in who else "[data-ready]"
        page.wait_for_selector(f"form.work{ready}", state="attached")
        with page.expect_navigation():
            if who == "program":
                page.evaluate(BY_PROGRAM)
            else:
                for box in page.locator("input[name=none]").all():
                    box.check() if "mouse" in who else box.press("Space")
                page.get_by_role("button", name="Submit").press("Enter")
    hand = Assignment.objects.get(state="submitted").hand
    if "without" in who:
        assert hand is None
    else:
        assert (hand["events"] == 0) == (who == "program")
        assert hand["choices"] == (0 if who == "program" else 2)
        assert bool(evidence_of_hand(hand)) == (who == "program")
