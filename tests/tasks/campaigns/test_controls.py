"""Controls: how many, where, which; never a pair that is asked (rules K1 to K5)."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagesets.models import Image, Label
from tasks.campaigns.controls import settled
from tasks.campaigns.layout import controls_beside, room_beside_controls
from tasks.campaigns.publish import publish
from tasks.models import Campaign, HITItem, KnownAnswer, Pair
from tasks.models.overrule import Verdict
from tasks.results import aggregate
from tasks.work.overruling import Given, give_verdicts
from tests.factories import answer_truly, make_dataset, make_workers, work_through


def contains(dataset, share: float = 0.25, **settings) -> Campaign:
    controls = {"share": share, "campaigns": settings.pop("campaigns", [])}
    slug = settings.pop("slug", "c")
    campaign = Campaign.objects.create(
        name=slug, slug=slug, dataset=dataset, kind="contains", controls=controls, **settings
    )
    publish(campaign, "a test")
    return campaign


def know(dataset, present: bool, label: Label, images) -> None:
    KnownAnswer.objects.bulk_create(
        KnownAnswer(dataset=dataset, image=image, label=label, present=present) for image in images
    )


@given(st.integers(1, 200), st.floats(0, 0.5))
def test_a_hit_never_has_more_items_than_its_size_and_as_many_controls_as_its_share(size, share):
    study = room_beside_controls(size, share)
    controls = controls_beside(study, share)
    assert study >= 1
    assert study + controls <= size
    assert controls == round(share * (study + controls))
    if study < size:
        assert study + 1 + controls_beside(study + 1, share) > size


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.5])
def test_every_hit_keeps_the_rules(db, share):
    dataset = make_dataset(images=60, labels=20)
    campaign = contains(dataset, share, grid_size=12, max_sections=4)
    asked = set(Pair.objects.filter(campaign=campaign).values_list("image_id", "label_id"))
    hits = defaultdict(list)
    for item in HITItem.objects.filter(hit__campaign=campaign):
        hits[item.hit_id].append(item)
    used = Counter()
    for items in hits.values():
        controls = [item for item in items if item.role == "control"]
        assert len(items) <= 12
        study = len(items) - len(controls)
        # A label that fits one grid is never split, and then leaves less room for controls.
        assert len(controls) == min(controls_beside(study, share), 12 - study)
        assert len({item.image_id for item in items}) == len(items)
        label_of = {item.section: item.label_id for item in items if item.role == "study"}
        for control in controls:
            assert control.label_id == label_of[control.section]
            assert control.known is not None
            assert (control.image_id, control.label_id) not in asked
            used[control.image_id, control.label_id] += 1
    assert set(used.values()) <= {1}
    assert sum(item.role == "study" for items in hits.values() for item in items) == len(asked)
    sections = {(i.label_id, i.hit_id) for items in hits.values() for i in items if i.pair_id}
    pairs = Counter(label for _, label in asked)
    grids = Counter(label for label, _ in sections)
    assert all(grids[label] == 1 for label, number in pairs.items() if number <= 12)


def test_weak_negatives_are_named_by_no_classifier_and_of_another_superclass(db):
    dataset = make_dataset(images=40, labels=20)
    for number, label in enumerate(Label.objects.order_by("key")):
        Label.objects.filter(pk=label.pk).update(superclass="animal" if number % 2 else "thing")
    campaign = contains(dataset)
    controls = HITItem.objects.filter(hit__campaign=campaign, role="control")
    assert controls.filter(weak=True, known=False).count() == controls.count() > 5
    for control in controls.select_related("label", "image__dataset_label"):
        assert control.image.dataset_label.superclass != control.label.superclass
        for prediction in control.image.predictions.all():
            assert control.label_id not in prediction.labels


def test_images_that_are_not_asked_hold_their_own_label_weakly(db):
    dataset = make_dataset(images=40, labels=8)
    campaign = contains(dataset, images={"per_label": 2, "seed": 1})
    positive = HITItem.objects.filter(hit__campaign=campaign, role="control", known=True)
    assert positive.exists()
    for control in positive.select_related("image"):
        assert control.weak
        assert control.image.dataset_label_id == control.label_id
        assert not campaign.campaign_images.filter(image=control.image).exists()


def test_known_answers_come_first_and_are_strong(db):
    dataset = make_dataset(images=40, labels=8)
    label = Label.objects.get(key="n00000003")
    own = Image.objects.filter(dataset_label=label).order_by("key")
    others = Image.objects.filter(dataset_label__key="n00000006").order_by("key")
    chosen = {"images": [f"{n:03d}.jpg" for n in range(16)], "share": 0.5}
    know(dataset, True, label, [i for i in own if i.key > "016"])
    know(dataset, False, label, [i for i in others if i.key > "016"])
    campaign = contains(dataset, **chosen)
    controls = HITItem.objects.filter(hit__campaign=campaign, role="control", label=label)
    strong = controls.filter(weak=False)
    assert set(strong.values_list("known", flat=True)) == {True, False}
    for control in strong:
        assert KnownAnswer.objects.get(image=control.image, label=label).present == control.known
    # A pair that is known to be absent is never taken for a weak positive.
    assert not controls.filter(weak=True, image__in=own.filter(key__gt="016")).exists()


def test_a_pair_that_is_asked_is_no_control_though_its_answer_is_known(db):
    dataset = make_dataset(images=16, labels=8)
    for image in Image.objects.all():
        know(dataset, True, image.dataset_label, [image])
    campaign = contains(dataset)
    assert not HITItem.objects.filter(hit__campaign=campaign, role="control", weak=False).exists()


def test_an_earlier_campaign_settles_pairs_for_a_later_one(workers):
    dataset = make_dataset(images=32, labels=8)
    first = [f"{n:03d}.jpg" for n in range(16)]
    earlier = contains(dataset, 0, slug="earlier", images=first, workers_per_item=5)
    for worker in workers(5):
        work_through(earlier, worker, answer_truly)
    rest = [f"{n:03d}.jpg" for n in range(16, 32)]
    later = contains(dataset, 0.5, slug="later", images=rest, campaigns=["earlier"])
    strong = HITItem.objects.filter(hit__campaign=later, role="control", weak=False)
    assert set(strong.values_list("known", flat=True)) == {True, False}
    for control in strong.select_related("image"):
        assert control.image.key in first
        assert control.known == (control.image.dataset_label_id == control.label_id)


def test_where_no_control_exists_no_room_is_kept(db):
    dataset = make_dataset(images=12, labels=2)
    campaign = contains(dataset, 0.25, grid_size=12, max_sections=1)
    assert sorted(hit.items.count() for hit in campaign.hits.all()) == [12, 12]


def test_the_seed_decides_the_controls(db):
    layouts = []
    for number, seed in enumerate((1, 1, 2)):
        dataset = make_dataset(images=40, labels=20, slug=f"set{number}")
        campaign = contains(dataset, slug=f"c{number}", seed=seed)
        controls = HITItem.objects.filter(hit__campaign=campaign, role="control")
        layouts.append(
            list(
                controls.order_by("hit__key", "position").values_list(
                    "hit__key", "position", "image__key", "label__key"
                )
            )
        )
    assert layouts[0] == layouts[1] != layouts[2]


def test_judgments_on_controls_are_in_no_result(workers):
    dataset = make_dataset(images=40, labels=20)
    campaign = contains(dataset, workers_per_item=2)
    for worker in workers(2):
        work_through(campaign, worker, answer_truly)
    run = aggregate(campaign)
    assert run.counts["judgments"] == 2 * campaign.pairs.count()


def test_classify_shows_settled_images_of_one_object_with_foils(workers):
    dataset = make_dataset(images=32, labels=8)
    source = contains(dataset, 0, slug="source", workers_per_item=5)
    for worker in workers(5):
        work_through(source, worker, answer_truly)
    follow = Campaign.objects.create(
        name="F",
        slug="f",
        dataset=dataset,
        kind="classify",
        source=source,
        follow_up={"fu": 1, "mis": 1, "easy": 0.5},
        controls={"share": 0.25},
        images_per_hit=4,
    )
    published = publish(follow, "a test")
    controls = HITItem.objects.filter(hit__campaign=follow, role="control").select_related("image")
    assert controls.count() == published.controls > 2
    asked = set(follow.campaign_images.filter(asked=True).values_list("image_id", flat=True))
    for control in controls:
        assert control.label_id == control.image.dataset_label_id
        assert control.image_id not in asked
        offered = Pair.objects.filter(campaign=follow, image=control.image)
        assert 2 <= offered.count() <= 6
    assert published.images == len(asked)


def test_what_experts_settle_is_a_control_unless_they_contradict_each_other(db):
    """Known answers prevail over experts, and experts over campaigns (rule K3)."""
    dataset = make_dataset(images=40, labels=4)
    earlier = contains(dataset, 0, slug="earlier", workers_per_item=5, round_size=5)
    work_through(earlier, make_workers(5), answer_truly)
    aggregate(earlier)
    by_crowd = settled(Campaign(dataset=dataset, controls={"campaigns": ["earlier"]}))
    present = [pair for pair, there in sorted(by_crowd.items()) if there]
    (agreed, overruled, doubtful, known, revised) = present[:5]

    def says(who: str, pair: tuple[int, int], verdict: str) -> None:
        given = {pair[1]: Given(Verdict(verdict))}
        give_verdicts(Image.objects.get(pk=pair[0]), who, [pair[1]], given, "")

    for pair in (overruled, known, revised):
        says("ada", pair, "absent")
    says("ada", agreed, "main")
    says("ada", doubtful, "present")
    says("ben", doubtful, "absent")
    says("ben", overruled, "not_main")  # says neither
    says("ada", revised, "present")
    KnownAnswer.objects.create(dataset=dataset, image_id=known[0], label_id=known[1], present=True)
    new = Campaign(dataset=dataset, controls={"campaigns": ["earlier"]})
    expected = dict(by_crowd) | {overruled: False, known: True, agreed: True, revised: True}
    del expected[doubtful]
    assert settled(new) == expected
    alone = settled(Campaign(dataset=dataset, controls={"campaigns": []}))
    assert alone == {overruled: False, known: True, agreed: True, revised: True}
    Image.objects.filter(pk=overruled[0]).update(
        withdrawn_at="2026-01-01T00:00Z", withdrawn_by="ada", withdrawn_why="a face"
    )
    assert overruled not in settled(new)
