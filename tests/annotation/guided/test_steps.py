"""A campaign in steps: every setting has its place, and its inputs give back what it holds."""

import json
from collections import defaultdict

import pytest
from django.test import Client

from annotation.api.serializers import CampaignSerializer
from annotation.guided.effect import EXAMPLES, effect_of
from annotation.guided.steps import ELSEWHERE, PLACED, STEPS
from imagesets.models import Dataset
from tasks import money
from tasks.campaigns.findings import label_findings
from tasks.campaigns.publish import on_trial, publish
from tasks.crowds.panel.presets import PRESETS
from tasks.models import Campaign, KnownAnswer
from tasks.models.campaign_settings import SETTINGS
from tests.factories import make_awkward_dataset, make_user
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def dataset(module_db, tmp_path_factory) -> Dataset:
    return make_awkward_dataset(tmp_path_factory.mktemp("guided") / "pictures")


@pytest.fixture(scope="module")
def source(dataset) -> Campaign:
    contains, _ = make_answered_study(dataset)
    return contains


@pytest.fixture
def researcher(source, client) -> Client:
    client.force_login(make_user("ada", "researcher"))
    return client


@pytest.fixture
def draft(researcher, dataset) -> Campaign:
    return begun(researcher, of=dataset.slug)


def begun(client: Client, **what: str) -> Campaign:
    """The draft that such a POST begins."""
    answer = client.post("/campaigns/new/", what)
    assert answer.status_code == 302, answer.content.decode()
    return Campaign.objects.get(slug=answer.url.split("/")[2])


def posted(client: Client, draft: Campaign, step: str) -> dict[str, list[str]]:
    """What a browser would post of a step's form as the page shows it."""
    form = client.get(f"/campaigns/{draft.slug}/steps/{step}/").context["form"]
    data: dict[str, list[str]] = {}
    for name, field in form.fields.items():
        value = form.initial[name]
        if field.__class__.__name__ == "BooleanField":
            data |= {name: ["on"]} if value else {}
        elif isinstance(value, list):
            data[name] = value
        else:
            data[name] = ["" if value is None else str(value)]
    return data


def test_every_setting_has_its_place_in_one_step():
    places = [name for step in STEPS for name in (*step.asks, *step.more)]
    assert len(places) == len(set(places))
    assert SETTINGS.keys() <= PLACED | ELSEWHERE


def asked(draft: Campaign) -> dict:
    fresh = Campaign.objects.get(pk=draft.pk)
    return {name: CampaignSerializer(fresh).data[name] for name in SETTINGS}


CHANGED = {
    "images": {"per_label": 2, "seed": 7},
    "candidates": {"classifiers": ["first"], "k": 3, "min_models": 1},
    "controls": {"share": 0.25, "campaigns": ["grid"], "min_accuracy": 0.6, "min_items": 10},
    "workers_per_item": 4,
    "maybe": True,
    "wage": "12.50",
    "budget": "100.00",
    "consent": "# You agree\\n\\nto *this*.",
    "contact": "Ada",
    "languages": ["de", "en"],
    "title": {"de": "Bilder", "en": "Pictures"},
    "instructions": "Schau *genau*.",
}


@pytest.mark.parametrize("changes", [{}, CHANGED], ids=["defaults", "changed"])
def test_saving_each_step_as_it_is_shown_changes_nothing(researcher, draft, changes, source):
    changes = json.loads(json.dumps(changes).replace('"grid"', json.dumps(source.slug)))
    serializer = CampaignSerializer(draft, changes, partial=True)
    serializer.is_valid(raise_exception=True)
    serializer.save()
    before = asked(draft)
    for step in STEPS[:-1]:
        data = posted(researcher, draft, step.name)
        if not changes and step.name == "asked":
            assert data["images.per_label"] == [""]  # it has no default
        answer = researcher.post(f"/campaigns/{draft.slug}/steps/{step.name}/", data)
        assert answer.status_code == 302, answer.context["form"].errors
    after = asked(draft)
    if not changes:  # given in full, and the same
        before["candidates"] = {"classifiers": None, "k": 5, "min_models": 1}
    assert after == before


def test_what_the_api_would_refuse_stands_at_its_input(researcher, draft):
    at = f"/campaigns/{draft.slug}/steps/"
    data = posted(researcher, draft, "quality")
    wrong = {"controls.share": ["0.9"], "workers_per_item": ["0"], "round_size": ["few"]}
    answer = researcher.post(f"{at}quality/", data | wrong)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == wrong.keys()
    images = {"images.how": ["listed"], "images.listed": ["nowhere.png"]}
    answer = researcher.post(f"{at}asked/", posted(researcher, draft, "asked") | images)
    assert "nowhere.png" in answer.context["form"].errors["images.how"][0]
    assert Campaign.objects.get(pk=draft.pk).workers_per_item == 9


@pytest.mark.parametrize("name", ["connect", "sona"])
def test_a_panel_that_many_use_fills_its_fields_in_and_stores_nothing_yet(researcher, draft, name):
    Campaign.objects.filter(pk=draft.pk).update(crowd="panel")
    at = f"/campaigns/{draft.slug}/steps/crowd/"
    data = posted(researcher, draft, "crowd") | {"budget": ["321.00"]}
    page = researcher.post(at, data | {"fill": [name]})
    assert (page.status_code, page.context["form"].errors) == (200, {})
    assert Campaign.objects.get(pk=draft.pk).panel is None
    html = page.content.decode()
    assert "not saved yet" in html
    assert 'value="321.00"' in html  # what was typed before stays
    shown = page.context["form"]
    filled = {f.html_name: f.value() for f in shown if f.value() not in (None, False)}
    saved = researcher.post(at, filled | {"panel.codes.done": "https://panel.example/done"})
    assert saved.status_code == 302, saved.context["form"].errors
    panel, wanted = Campaign.objects.get(pk=draft.pk).panel, PRESETS[name].panel
    assert panel["codes"].pop("done") == "https://panel.example/done"
    assert {k: v for k, v in panel.items() if k in wanted and k != "codes"} == {
        k: v for k, v in wanted.items() if k != "codes"
    }


def test_the_effect_is_what_publishing_does_and_changes_nothing(researcher, draft):
    at = f"/campaigns/{draft.slug}/steps/candidates/"
    data = posted(researcher, draft, "candidates") | {"candidates.k": ["1"]}
    fragment = researcher.post(f"{at}effect/", data)
    effect = fragment.context["effect"]
    assert not draft.hits.exists()
    assert Campaign.objects.get(pk=draft.pk).candidates is None
    assert researcher.post(at, data).status_code == 302
    page = researcher.get(f"/campaigns/{draft.slug}/steps/publish/")
    assert f"Publish {effect.hits} HIT" in page.content.decode()
    assert researcher.post(f"/campaigns/{draft.slug}/steps/publish/").status_code == 302
    draft.refresh_from_db()
    assert draft.state == "open"
    assert (draft.pairs.count(), draft.hits.count()) == (effect.pairs, effect.hits)
    assert (effect.pairs, effect.images) > (0, 0)


def test_a_step_sent_late_changes_nothing_and_sent_twice_goes_on(researcher, draft):
    at = f"/campaigns/{draft.slug}/steps/quality/"
    seen = researcher.get(at).context["seen"]
    mine = posted(researcher, draft, "quality") | {"workers_per_item": ["5"], "seen": [seen]}
    assert [researcher.post(at, mine).status_code for _ in range(2)] == [302, 302]
    late = researcher.post(at, mine | {"workers_per_item": ["7"]})
    assert late.status_code == 422
    assert "Somebody has changed it" in late.content.decode()
    assert Campaign.objects.get(pk=draft.pk).workers_per_item == 5


def test_what_somebody_changed_meanwhile_is_shown_before_it_is_published(researcher, draft):
    at = f"/campaigns/{draft.slug}/steps/publish/"
    seen = researcher.get(at).context["seen"]
    Campaign.objects.filter(pk=draft.pk).update(workers_per_item=90)
    page = researcher.post(at, {"seen": seen})
    assert page.status_code == 422
    assert "Somebody has changed it" in page.content.decode()
    assert Campaign.objects.get(pk=draft.pk).state == "draft"
    assert researcher.post(at, {"seen": page.context["seen"]}).status_code == 302
    assert Campaign.objects.get(pk=draft.pk).state == "open"


def test_a_budget_below_the_first_round_is_told_before_publishing_refuses_it(researcher, draft):
    Campaign.objects.filter(pk=draft.pk).update(budget="0.02")
    at = f"/campaigns/{draft.slug}/steps/publish/"
    assert (
        "cannot be published, since its first round" in researcher.get(at).context["effect"].carried
    )
    page = researcher.get(at).content.decode()
    assert "Change the budget" in page
    assert "Publish " not in page
    refused = researcher.post(at)
    assert (refused.status_code, Campaign.objects.get(pk=draft.pk).state) == (422, "draft")


def test_the_preview_is_the_workers_page_with_the_texts_as_typed(researcher, draft):
    data = posted(researcher, draft, "page") | {"instructions": ["Mind the **crane**."]}
    german = researcher.post(
        f"/campaigns/{draft.slug}/steps/preview/", data | {"languages": ["de"]}
    )
    assert '<html lang="de"' in german.content.decode()
    page = researcher.post(f"/campaigns/{draft.slug}/steps/preview/", data)
    assert "<strong>crane</strong>" in page.content.decode()
    assert "This is a preview" in page.content.decode()
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    assert not draft.hits.exists()


def test_the_preview_shows_what_stands_before_the_work_too(researcher, draft):
    at = f"/campaigns/{draft.slug}/steps/preview/?page="
    data = posted(researcher, draft, "page") | {"consent": ["I *know*."], "content_warning": ["Hm"]}
    begin = researcher.post(f"{at}begin", data).content.decode()
    assert ">Begin</button>" in begin
    assert "Hm" in begin
    with on_trial(draft) as (_, laid_out):
        median = sorted(laid_out.hits.values_list("reward", flat=True))[
            (laid_out.hits.count() - 1) // 2
        ]
    assert f"<strong>${median}</strong>" in begin
    assert "<em>know</em>" in researcher.post(f"{at}consent", data).content.decode()
    assert "no text to agree to" in researcher.get(f"{at}consent").content.decode()
    assert "has no practice" in researcher.get(f"{at}practice").content.decode()
    assert researcher.get(f"{at}other").status_code == 404
    labels, images = draft.dataset.labels.all(), draft.dataset.images.all()
    for label in labels:
        for number, image in enumerate(images):
            KnownAnswer.objects.create(
                dataset=draft.dataset, image=image, label=label, present=number % 2 == 0
            )
    Campaign.objects.filter(pk=draft.pk).update(
        images=[images[0].key], practice={"items": 4, "pass": 0.7, "tries": 1}
    )
    page = researcher.get(f"{at}practice").content.decode()
    assert "You go on to the work if 3 of 4 are right." in page
    assert "This is a preview" in page
    assert not draft.consent_texts.exists()


def test_a_follow_up_shows_its_groups_and_the_true_number_asked(researcher, source):
    draft = begun(researcher, source=source.slug)
    assert (draft.kind, draft.source) == ("classify", source)
    data = posted(researcher, draft, "asked") | {"follow_up.easy": ["1"]}
    effect = researcher.post(f"/campaigns/{draft.slug}/steps/asked/effect/", data).context["effect"]
    assert sum(group.asked for group in effect.groups) >= effect.images > 0
    assert effect.examples == []
    assert label_findings(draft)[0] == effect.labels
    before = asked(draft)
    for step in STEPS[:-1]:
        data = posted(researcher, draft, step.name)
        answer = researcher.post(f"/campaigns/{draft.slug}/steps/{step.name}/", data)
        assert answer.status_code == 302, answer.context["form"].errors
    assert asked(draft) == before
    data = posted(researcher, draft, "asked") | {"follow_up.easy": ["1"]}
    researcher.post(f"/campaigns/{draft.slug}/steps/asked/", data)
    researcher.post(f"/campaigns/{draft.slug}/steps/publish/")
    draft.refresh_from_db()
    assert label_findings(draft)[0] == effect.labels  # what its controls show is not asked
    items = [item for hit in draft.hits.all() for item in hit.items.all()]
    assert (effect.hits, effect.images + effect.controls) == (draft.hits.count(), len(items))
    assert effect.whole == str(money.cost_of(draft, draft.workers_per_item))
    rows = list(draft.campaign_images.all())
    assert {group.name for group in effect.groups} == {row.group for row in rows}
    for group in effect.groups:
        of_it = [row for row in rows if row.group == group.name]
        assert (group.images, group.asked) == (len(of_it), sum(row.asked for row in of_it))
        assert len(group.examples) == min(len(of_it), EXAMPLES)


def test_a_classify_draft_without_a_source_shows_all_that_it_offers(dataset):
    draft = Campaign.objects.create(slug="alone", dataset=dataset, kind="classify")
    effect = effect_of(draft)
    publish(draft, "a test")
    offered = defaultdict(set)
    for pair in draft.pairs.all():
        offered[pair.image.key].add(pair.label.names[0])
    assert effect.groups == []
    assert len(effect.examples) == min(len(offered), EXAMPLES)
    for picture, names in effect.examples:
        assert set(names.split(", ")) == offered[picture.key]


def test_a_copy_has_the_same_settings_under_another_slug(researcher, draft):
    Campaign.objects.filter(pk=draft.pk).update(workers_per_item=5, instructions="Look twice.")
    copy = begun(researcher, copy=draft.slug)
    same, other = asked(draft), asked(copy)
    assert other["slug"] != same["slug"]
    assert {n: v for n, v in other.items() if n not in ("slug", "name")} == {
        n: v for n, v in same.items() if n not in ("slug", "name")
    }


def test_a_draft_of_listed_images_asks_these_alone(researcher, dataset, source):
    keys = list(dataset.images.order_by("key").values_list("key", flat=True))
    first, plain = keys[0], keys[2]
    drafts = Campaign.objects.count()
    unknown = {"of": dataset.slug, "images": f"{first}\r\nnowhere.png"}
    answer = researcher.post("/campaigns/new/", unknown)
    assert (answer.status_code, Campaign.objects.count()) == (422, drafts)
    assert "nowhere.png" in answer.content.decode()
    for what in ({"of": dataset.slug}, {"source": source.slug}):
        assert begun(researcher, images=f"{first}\r\n{plain}\r\n", **what).images == [first, plain]
        draft = begun(researcher, images=json.dumps(keys[:3]), **what)
        data = posted(researcher, draft, "asked")
        researcher.post(f"/campaigns/{draft.slug}/steps/asked/", data)
        draft.refresh_from_db()
        assert draft.images == keys[:3]


def test_a_study_with_campaigns_offers_another_to_researchers_alone(researcher, dataset, draft):
    page, offer = f"/datasets/{dataset.slug}/", f'href="/campaigns/new/?dataset={dataset.slug}"'
    assert offer in researcher.get(page).content.decode()
    researcher.force_login(make_user("vera", "viewer"))
    seen = researcher.get(page)
    assert (seen.status_code, offer in seen.content.decode()) == (200, False)


def test_a_viewer_and_a_stranger_make_nothing(source, dataset, client):
    client.force_login(make_user("vera", "viewer"))
    assert client.post("/campaigns/new/", {"of": dataset.slug}).status_code in (403, 404)
    assert client.get(f"/campaigns/{source.slug}/change/").status_code == 403
    assert client.get(f"/campaigns/{source.slug}/steps/asked/").status_code == 403
    assert Client().get("/campaigns/new/").status_code == 302
    client.force_login(make_user("nobody"))
    assert client.get("/campaigns/new/").status_code == 403
    assert client.get(f"/campaigns/{source.slug}/steps/asked/").status_code == 404


def test_the_steps_speak_of_no_commands_and_say_what_each_crowd_is(researcher, draft):
    helps = []
    for step in STEPS[:-1]:
        fields = list(researcher.get(f"/campaigns/{draft.slug}/steps/{step.name}/").context["form"])
        helps += [field.help_text for field in fields]
        helps += [title for field in fields for _, title in getattr(field.field, "choices", [])]
    for word in ("`", "Null", "Slugs", "Codes"):
        assert not [text for text in helps if word in text], word
    assert any(text.startswith("local: People who were sent an invitation") for text in helps)


def test_drafts_of_one_dataset_have_names_of_their_own(researcher, dataset, draft):
    name = f"{dataset.name}: which contain X?"
    others = [begun(researcher, of=dataset.slug).name for _ in range(2)]
    assert [draft.name, *others] == [name, f"{name} (2)", f"{name} (3)"]


def test_what_keeps_a_draft_from_being_published_is_said_before(researcher, draft):
    draft.dataset.classifiers.all().delete()
    page = researcher.get(f"/campaigns/{draft.slug}/steps/publish/").content.decode()
    assert "It cannot be published yet:</strong> dataset tiny has no predictions." in page
    assert "Publish " not in page
    assert "manage.py predict" not in page
