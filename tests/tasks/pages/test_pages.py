"""The workers' pages, walked as a browser walks them."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tasks.campaigns.publish import close, pause
from tasks.crowds.local.identity import link
from tasks.models import Assignment, Place, Worker
from tasks.pages.instructions import as_html
from tasks.simulation.worksheet import begin_form, worksheet
from tasks.work.claiming import next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.studies.odd_pictures import fields_of, make_pictures, open_campaign


@pytest.fixture
def dataset(db, tmp_path):
    return make_pictures(tmp_path)


@pytest.fixture
def contains(dataset):
    return open_campaign(dataset, "contains", workers_per_item=3, round_size=3)


@pytest.fixture
def classify(dataset):
    return open_campaign(dataset, "classify", workers_per_item=3, round_size=3)


def door(campaign) -> str:
    return reverse("tasks:campaign", args=[campaign.public_id])


def post(client, address, fields):
    data = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return client.post(address, data)


def enter(client, campaign) -> tuple[str, str]:
    """Go through the campaign's door: (the HIT's address, its page)."""
    response = client.post(door(campaign))
    assert response.status_code == 303
    page = client.get(response["Location"])
    assert page.status_code == 200
    return response["Location"], page.content.decode()


def first_selected(question):
    """Check the first option, and make it the main object if the question asks for one."""
    first = question.options[0]
    return [first, *(o for o in question.named("main-") if o.value == first.value)]


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_workers_walk_a_campaign_to_its_end(kind, request):
    campaign = request.getfixturevalue(kind)
    for number in range(3):
        client = Client(enforce_csrf_checks=True)
        address, html = enter(client, campaign)
        for _ in range(2):
            sheet = worksheet(html)
            response = post(client, address, fields_of(sheet, first_selected if number else None))
            assert response.status_code == 303
            address = response["Location"]
            html = client.get(address).content.decode()
        assert worksheet(html) is None
        assert "Thank you" in html
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    counts = Counter(Assignment.objects.values_list("hit_id", flat=True))
    assert set(counts.values()) == {3}
    assert Worker.objects.count() == 3
    assert "finished" in Client().get(door(campaign)).content.decode()


def test_an_answer_is_stored_as_positions_of_what_was_shown(contains):
    client = Client()
    address, html = enter(client, contains)
    post(client, address, fields_of(worksheet(html), first_selected))
    done = Assignment.objects.get(state="submitted")
    sections = dict(done.hit.items.values_list("position", "section"))
    firsts = {}
    for position in done.shown:
        firsts.setdefault(sections[position], position)
    assert sorted(done.selected) == sorted(firsts.values())


def test_without_cookies_the_form_alone_leads_on(contains):
    response = Client().post(door(contains))
    addresses = [response["Location"]]
    while True:
        html = Client().get(addresses[-1]).content.decode()
        if (sheet := worksheet(html)) is None:
            break
        addresses.append(post(Client(), addresses[-1], fields_of(sheet))["Location"])
    assert len(addresses) == 3
    assert Worker.objects.count() == 1
    more = re.search(r'href="([^"]*after=[^"]*)"', html).group(1)
    Client().get(more)
    assert Worker.objects.count() == 1


def test_a_newcomer_stays_the_same_worker_and_resumes(contains):
    client = Client()
    assert enter(client, contains) == enter(client, contains)
    assert Worker.objects.count() == Assignment.objects.count() == 1


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_wrong_form_comes_back_with_its_choices_and_stores_nothing(kind, request):
    client = Client()
    address, html = enter(client, request.getfixturevalue(kind))
    sheet = worksheet(html)
    checked = sheet.questions[0].options[0]
    fields = [*sheet.hidden, (checked.name, checked.value), ("selected", "of-another-hit")]
    response = post(client, address, fields)
    assert response.status_code == 303
    again = client.get(response["Location"]).content.decode()
    assert again == client.get(response["Location"]).content.decode()  # Reload
    tag = re.search(
        rf"<input[^>]*name=\"{checked.name}\"[^>]*value=\"{checked.value}\"[^>]*>", again
    )
    assert " checked" in tag.group(0)
    problems = again.partition('id="problems"')[2].partition("</ul>")[0]
    for place in re.findall(r'<a href="#([^"]+)"', problems):
        assert f'id="{place}"' in again
        assert f'id="e-{place}"' in again
        assert f'aria-describedby="e-{place}"' in again
    quiet = client.get(address).content.decode()  # Back
    assert tag.group(0).partition(" aria")[0] in quiet
    assert "something that is not on this page" in again
    assert "something that is not on this page" not in quiet
    assert not Assignment.objects.exclude(state="open", selected=[], answers=None).exists()


def test_the_same_again_changes_nothing_and_is_thanked(contains):
    client = Client()
    address, html = enter(client, contains)
    sheet = worksheet(html)
    post(client, address, fields_of(sheet))
    before = Assignment.objects.filter(state="submitted").values().get()
    for fields in (fields_of(sheet), fields_of(sheet, first_selected), sheet.hidden):
        response = post(client, address, fields)
        assert response.status_code == 200
        assert "Thank you" in response.content.decode()
    assert Assignment.objects.filter(state="submitted").values().get() == before
    assert "Thank you" in client.get(address).content.decode()


def test_what_is_not_yours_is_refused(contains, classify):
    mine, other = Client(), Client()
    address, html = enter(mine, contains)
    elsewhere, _ = enter(other, classify)
    key = worksheet(html).hidden[0][1]
    refused = [
        other.get(address),
        post(other, address, fields_of(worksheet(html))),
        Client().get(elsewhere.split("?")[0] + f"?assignmentId={key}"),
        Client().get(address.split("?")[0] + "?assignmentId=guessed"),
        Client().get(address.split("?")[0] + "?assignmentId=%00"),
        Client().post(address.split("?")[0], {"assignmentId": "x" * 5000}),
        Client().post(address.split("?")[0], {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}),
    ]
    assert [response.status_code for response in refused] == [409] * 7
    assert all(b"No work here" in response.content for response in refused)
    assert Client().get("/hit/nothing-here/").status_code == 404
    assert Client().get("/tasks/nothing-here/").status_code == 404
    assert not Assignment.objects.filter(state="submitted").exists()


def let_expire(assignment) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=past)
    Place.objects.filter(holder=assignment).update(free_at=past)


def test_expired_work_is_offered_again_and_its_answer_taken_while_its_place_is_free(contains):
    client = Client()
    address, html = enter(client, contains)
    let_expire(Assignment.objects.get())
    page = client.get(address)
    assert page.status_code == 200
    assert "Take it up again" in page.content.decode()
    assert post(client, address, fields_of(worksheet(html))).status_code == 303
    assert Assignment.objects.filter(state="submitted").count() == 1


def test_a_late_answer_is_kept_and_its_worker_reads_so(contains):
    client = Client()
    address, html = enter(client, contains)
    late = Assignment.objects.get()
    let_expire(late)
    for number in range(3):
        other = Worker.of("local", f"other {number}")
        while assignment := next_assignment(contains, other):
            submit(assignment, {"selected": [], "maybe": [], "unseen": []})
    response = post(client, address, fields_of(worksheet(html), first_selected))
    assert response.status_code == 410
    assert "too late" in response.content.decode()
    late.refresh_from_db()
    assert (late.state, bool(late.selected)) == ("expired", True)


def test_thanks_says_why_there_is_no_more_work(contains):
    client = Client()
    enter(client, contains)
    pause(contains, "a test")
    assert client.get(door(contains)).status_code == 303  # what runs may be finished
    newcomer = Client().get(door(contains))
    assert (newcomer.status_code, Worker.objects.count()) == (200, 1)
    assert "paused" in newcomer.content.decode()
    close(contains, "a test")
    assert "has ended" in Client().get(door(contains)).content.decode()
    hit = contains.hits.first()
    assert Client().get(reverse("tasks:hit", args=[hit.public_id])).status_code == 410


def test_a_stopped_worker_is_thanked_politely(contains):
    client = Client()
    address, html = enter(client, contains)
    set_aside(contains, Worker.objects.get(), "careless", "a test")
    response = post(client, address, fields_of(worksheet(html)))
    page = client.get(response["Location"]).content.decode()
    assert "no more work for you" in page
    assert "careless" not in page
    assert Assignment.objects.get().set_aside


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_preview_shows_the_page_and_lets_nothing_be_sent(kind, request):
    campaign = request.getfixturevalue(kind)
    address = reverse("tasks:hit", args=[campaign.hits.first().public_id])
    for query in ("", "?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE"):
        html = Client().get(address + query).content.decode()
        assert "This is a preview" in html
        assert html.count("<fieldset") == len(re.findall("<fieldset[^>]* disabled>", html)) > 0
        assert html.count("<button") == 1
    assert not Assignment.objects.exists()
    browser = Client()
    way_in = begin_form(browser.get(address).content.decode())
    hits = {browser.post(way_in.action, dict(way_in.hidden))["Location"] for _ in range(2)}
    assert hits == {browser.get(door(campaign))["Location"]}  # their next HIT, once
    pause(campaign, "a test")
    html = Client().get(address).content.decode()
    assert "<button" not in html
    assert "nothing here." in html
    assert "accept the work" not in html  # nobody accepts work on the site itself


def test_nothing_on_the_page_tells_what_an_item_is(contains, dataset):
    hit = contains.hits.get(key="hit-0")
    ids = []
    for number in range(2):
        client = Client()
        client.post(link(contains, f"worker {number}"))
        assignment = Assignment.objects.get(worker__external_id=f"worker {number}")
        Assignment.objects.filter(pk=assignment.pk).update(hit=hit)
        response = client.get(f"/hit/{hit.public_id}/?assignmentId={assignment.token}")
        html = response.content.decode()
        sheet = worksheet(html)
        ids.append({o.value for q in sheet.questions for o in q.named("selected")})
        for word in ("secret", "n01", "n02", "control", "known", "hit-0", "a-contains", "dataset"):
            assert word not in html.lower()
            assert word not in str(response.headers).lower().replace("cache-control", "")
        numbers = re.findall(r'(?:value|id|name|data-\w+)="(\d+)"', html)
        assert not set(numbers) - {"0", "1"}  # 0: the draft's revision
        sizes = set(re.findall(r'<img[^>]*width="(\d+)" height="(\d+)"', html))
        assert len(sizes) == 1
    assert len(ids[0]) == 6
    assert not ids[0] & ids[1]


def test_a_hit_may_stand_in_a_frame_and_runs_nothing_from_elsewhere(contains):
    client = Client()
    address, html = enter(client, contains)
    response = client.get(address)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "mturk.com" in policy
    assert "X-Frame-Options" not in response
    assert "no-store" in response["Cache-Control"]
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", html)
    assert client.get("/tasks/")["X-Frame-Options"] == "DENY"


def test_an_invitation_names_its_worker_for_its_campaign_only(contains, classify):
    client = Client()
    client.post(link(contains, "ada"))
    assert Worker.objects.get().external_id == "ada"
    enter(client, classify)  # from now on the browser is known
    assert Worker.objects.count() == 1
    moved = link(contains, "bob").replace(contains.public_id, classify.public_id, 1)
    forged = link(contains, "bob")[:-1]
    for address in (moved, forged, door(contains) + "?invitation=bob"):
        assert Client().get(address).status_code == 409
    assert not Assignment.objects.exclude(worker__external_id="ada").exists()


def test_labels_and_instructions_are_shown_as_text(dataset):
    campaign = open_campaign(
        dataset, "classify", instructions="# Mind\n**this** <script>x</script> [a](javascript:b)"
    )
    _, html = enter(Client(), campaign)
    assert "<strong>this</strong>" in html
    assert "<script>" not in html
    assert "javascript:" not in html.replace("[a](javascript:b)", "")
    assert "<b>suit</b>" not in html
    words = {o.words for q in worksheet(html).questions for o in q.named("labels-")}
    assert "<b>suit</b> or suit & tie" in words


def test_headings_follow_those_of_the_page_and_skip_no_level():
    html = as_html("# A\n### B\n# C\n###### D\n\nE\n---\n")
    assert re.findall(r"<(h\d)>(.)</\1>", html) == [
        *(("h2", "A"), ("h3", "B"), ("h2", "C"), ("h3", "D"), ("h3", "E")),
    ]
    assert as_html("### A").strip() == "<h2>A</h2>"


def test_the_order_of_labels_is_kept_for_an_assignment_and_differs_between_them(classify):
    orders = set()
    for number in range(3):
        client = Client()
        client.post(link(classify, f"worker {number}"))
        address, html = enter(client, classify)
        assert html == client.get(address).content.decode()
        sheet = worksheet(html)
        post(client, address, fields_of(sheet, first_selected))
        done = Assignment.objects.get(worker__external_id=f"worker {number}", state="submitted")
        for question, answer in zip(sheet.questions, done.answers, strict=True):
            assert answer["selected"] == [answer["offered"][0]] == [answer["main"]]
            assert len(answer["offered"]) == len(question.named("labels-")) == 3
        orders |= {tuple(answer["offered"]) for answer in done.answers}
    assert len(orders) > 5 + 1  # five sets of labels are offered in this study


def test_giving_work_back_frees_its_place(contains):
    client = Client()
    address, html = enter(client, contains)
    response = post(client, address, [*worksheet(html).hidden, ("return", "1")])
    assert response.status_code == 303
    assert "given the work back" in client.get(response["Location"]).content.decode()
    assert Assignment.objects.get().state == "returned"
    assert not Place.objects.filter(holder__isnull=False).exists()


def test_a_page_takes_the_same_few_queries_however_many_tiles(
    dataset, django_assert_max_num_queries
):
    campaign = open_campaign(dataset, "contains", per_hit=12)
    client = Client()
    address, _ = enter(client, campaign)
    with django_assert_max_num_queries(6):
        client.get(address)


def test_the_door_and_the_list(contains):
    assert "worker" in Client().get("/").content.decode()
    html = Client().get("/tasks/").content.decode()
    assert door(contains) in html
    close(contains, "a test")
    assert "No study is open" in Client().get("/tasks/").content.decode()
