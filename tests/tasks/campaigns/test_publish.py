"""What a campaign asks is frozen, all or nothing, when it is published."""

import pytest

from imagesets.models import Image, Label
from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import close, pause, publish, resume
from tasks.models import Campaign, CampaignImage, CampaignLabel, HITItem, Pair, Place
from tasks.models.refused import Refused
from tasks.work.stops import set_aside
from tests.factories import answer_truly, make_dataset, work_through


def contains(dataset, **settings) -> Campaign:
    return Campaign.objects.create(name="C", slug="c", dataset=dataset, kind="contains", **settings)


def classify(source: Campaign, **settings) -> Campaign:
    return Campaign.objects.create(
        name="F", slug="f", dataset=source.dataset, kind="classify", source=source, **settings
    )


def test_pairs_are_the_union_of_top_k_and_the_dataset_label(dataset):
    campaign = contains(dataset)
    published = publish(campaign, "a test")
    labels = list(Label.objects.order_by("key"))
    for number, image in enumerate(Image.objects.order_by("key")):
        expected = {labels[(number + step) % 8].pk for step in range(3)}
        pairs = Pair.objects.filter(campaign=campaign, image=image)
        assert set(pairs.values_list("label_id", flat=True)) == expected
    assert published.pairs == Pair.objects.count() == 12 * 3
    assert HITItem.objects.filter(pair__isnull=False).count() == published.pairs


def test_each_pair_keeps_where_it_came_from(dataset):
    publish(contains(dataset), "a test")
    first = Image.objects.get(key="000.jpg")
    sources = Pair.objects.get(image=first, label=first.dataset_label).sources
    assert "dataset" in sources
    assert ["first", 1, pytest.approx(0.6)] in sources
    other = Pair.objects.get(image=first, label__key="n00000001").sources
    assert sorted((name, rank) for name, rank, _ in other) == [("first", 2), ("second", 1)]


def test_min_models_asks_for_agreement_but_keeps_the_dataset_label(dataset):
    campaign = contains(dataset, candidates={"min_models": 2})
    publish(campaign, "a test")
    image = Image.objects.get(key="003.jpg")
    keys = Pair.objects.filter(image=image).values_list("label__key", flat=True)
    assert sorted(keys) == ["n00000003", "n00000004"]


def test_later_predictions_and_edits_do_not_reach_a_running_campaign(campaign):
    before = list(Pair.objects.order_by("pk").values_list("image_id", "label_id"))
    label = Label.objects.get(key="n00000000")
    new = Classifier.objects.create(dataset=campaign.dataset, name="third")
    for image in Image.objects.all():
        Prediction.objects.create(classifier=new, image=image, labels=[label.pk], scores=[1.0])
    label.names, label.definition = ["something else"], "changed"
    label.save()
    assert publish(campaign, "a test").resumed
    assert list(Pair.objects.order_by("pk").values_list("image_id", "label_id")) == before
    frozen = CampaignLabel.objects.get(campaign=campaign, label=label)
    assert frozen.names == ["thing 0"]
    assert frozen.definition == "definition 0"


def test_publishing_again_lays_out_nothing_twice(campaign):
    hits, places = campaign.hits.count(), Place.objects.count()
    publish(campaign, "a test")
    assert (campaign.hits.count(), Place.objects.count()) == (hits, places)


def test_everything_missing_is_named_at_once_and_nothing_is_changed(dataset):
    Prediction.objects.all().delete()
    campaign = contains(dataset)
    with pytest.raises(Refused, match="no predictions"):
        publish(campaign, "a test")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert not campaign.hits.exists()
    assert not Pair.objects.exists()


def test_an_unknown_image_key_is_named(dataset):
    campaign = contains(dataset, images=["000.jpg", "nowhere.jpg"])
    with pytest.raises(Refused, match=r"nowhere\.jpg"):
        publish(campaign, "a test")


def test_per_label_takes_so_many_of_each_label_by_the_seed(dataset):
    campaign = contains(dataset, images={"per_label": 1, "seed": 4})
    published = publish(campaign, "a test")
    labels = CampaignImage.objects.values_list("image__dataset_label_id", flat=True)
    assert published.images == len(set(labels)) == len(labels) == 8


def test_states_move_only_along_the_allowed_ways_and_are_logged(campaign, workers):
    (worker,) = workers(1)
    pause(campaign, "a person", "a break")
    assert work_through(campaign, worker) == 0
    resume(campaign, "a person")
    assert work_through(campaign, worker) > 0
    close(campaign, "a person")
    for refused in (publish, pause, resume):
        with pytest.raises(Refused, match="closed"):
            refused(campaign, "a person")
    log = campaign.transitions.filter(subject="campaign").order_by("pk")
    assert [(t.before, t.after) for t in log] == [
        ("draft", "open"),
        ("open", "paused"),
        ("paused", "open"),
        ("open", "closed"),
    ]
    assert log[1].why == "a break"


def test_a_source_must_be_finished_or_closed(campaign):
    with pytest.raises(Refused, match="source contains is open"):
        publish(classify(campaign), "a test")


def test_classify_asks_follow_ups_with_the_labels_that_reached_half(workers):
    dataset = make_dataset(images=16, labels=8)
    source = contains(dataset, workers_per_item=3)
    publish(source, "a test")
    neighbour = {}

    def answer(assignment) -> dict:
        """All select the dataset label; of even images also its next neighbour."""
        selected = []
        for item in HITItem.objects.filter(hit=assignment.hit).select_related("image"):
            number = int(item.image.key[:3])
            labels = list(Label.objects.order_by("key"))
            wanted = {labels[number % 8].pk}
            if number % 2 == 0:
                wanted.add(labels[(number + 1) % 8].pk)
                neighbour[item.image_id] = wanted
            if item.label_id in wanted:
                selected.append(item.position)
        return {"selected": selected, "maybe": [], "unseen": []}

    for worker in workers(3):
        work_through(source, worker, answer)
    follow = classify(source, follow_up={"fu": 1, "mis": 1, "easy": 0}, images_per_hit=3)
    published = publish(follow, "a test")
    assert published.groups == {"fu": 8, "easy": 8}
    assert published.images == 8
    assert follow.hits.count() == 3
    for image, labels in neighbour.items():
        assert (
            set(
                Pair.objects.filter(campaign=follow, image=image).values_list("label_id", flat=True)
            )
            == labels
        )
    easy = CampaignImage.objects.filter(campaign=follow, group="easy")
    assert set(easy.values_list("asked", "inclusion_probability")) == {(False, 0.0)}


def test_mis_and_amb_follow_the_rules(dataset, workers):
    source = contains(dataset, workers_per_item=3)
    publish(source, "a test")
    crowd = workers(3)
    for worker in crowd:
        work_through(source, worker)  # nobody selects anything
    all_mis = publish(classify(source), "a test")
    assert all_mis.groups == {"mis": 12}
    offered = Pair.objects.filter(campaign__slug="f")
    assert set(offered.values_list("label_id", "image__dataset_label_id")) == {
        (label, label) for label in Label.objects.values_list("pk", flat=True)
    }
    for worker in crowd[:2]:
        set_aside(source, worker, "a test", "a test")
    close(source, "a test")
    with pytest.raises(Refused, match="no image is left"):
        publish(
            Campaign.objects.create(
                name="G", slug="g", dataset=dataset, kind="classify", source=source
            ),
            "a test",
        )


def test_classify_without_a_source_offers_candidates_by_number_of_models(dataset):
    campaign = Campaign.objects.create(
        name="D", slug="d", dataset=dataset, kind="classify", max_offered=2
    )
    publish(campaign, "a test")
    offered = Pair.objects.filter(image__key="000.jpg").values_list("label__key", flat=True)
    assert sorted(offered) == ["n00000000", "n00000001"]  # 0: the dataset's; 1: two models


def test_the_demo_answers_finish_a_campaign_by_truth(campaign, workers):
    for worker in workers(9):
        work_through(campaign, worker, answer_truly)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
