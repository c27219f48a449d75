"""The counts before any money is spent are those of the candidates themselves."""

from collections import Counter

import pytest

from models_inference.predictions.candidate_summary import candidate_summary
from models_inference.predictions.candidates import candidate_pairs


@pytest.mark.parametrize(("classifiers", "k"), [(None, 5), (["a", "b"], 1), ([], 5)])
def test_counts_are_those_of_the_candidates(dataset, classifiers, k):
    summary = candidate_summary(dataset, classifiers, k)
    keys = dict(dataset.labels.values_list("id", "key"))
    for choice in summary.choices:
        # min_models beyond the number of classifiers asks nothing but dataset labels.
        at_most = candidate_pairs(dataset, None, classifiers, k)
        pairs = [
            pair
            for pair in at_most
            if "dataset" in pair.sources or pair.models >= choice.min_models
        ]
        per_image = Counter(pair.image_id for pair in pairs)
        expected = Counter(
            per_image[image] for image in dataset.images.values_list("id", flat=True)
        )
        assert choice.images == expected
        assert choice.labels == Counter(keys[pair.label_id] for pair in pairs)
        assert choice.pairs == len(pairs)
        assert list(choice.labels.values()) == sorted(choice.labels.values(), reverse=True)
    alone: Counter = Counter()
    named: Counter = Counter()
    for pair in candidate_pairs(dataset, None, classifiers, k):
        models = [source[0] for source in pair.sources if source != "dataset"]
        named.update(models)
        if len(models) == 1 and "dataset" not in pair.sources:
            alone.update(models)
    assert {row.name: (row.named, row.alone) for row in summary.classifiers} == {
        row.name: (named[row.name], alone[row.name]) for row in summary.classifiers
    }
    assert summary.images == 40


def test_images_that_were_withdrawn_are_not_counted(dataset):
    gone = set(dataset.images.order_by("key").values_list("pk", flat=True)[:7])
    why = {"withdrawn_at": "2026-01-01T00:00Z", "withdrawn_by": "a", "withdrawn_why": "b"}
    dataset.images.filter(pk__in=gone).update(**why)
    summary = candidate_summary(dataset)
    left = [pair for pair in candidate_pairs(dataset) if pair.image_id not in gone]
    assert (summary.images, summary.choices[0].pairs) == (33, len(left))
    assert sum(summary.choices[0].images.values()) == 33
    named = sum(source != "dataset" for pair in left for source in pair.sources)
    assert sum(row.named for row in summary.classifiers) == named
    assert max(row.images for row in summary.classifiers) <= 33


def test_an_empty_dataset_has_no_mean(db):
    from imagesets.models import Dataset

    choice = candidate_summary(Dataset.objects.create(slug="empty", name="empty")).choices[0]
    assert (choice.mean, choice.quantile(0.5), choice.pairs, choice.images) == (None, None, 0, {})
