"""Candidate labels against the definition, written out in Python over random predictions."""

import pytest
from django.db import connection

from imagesets.models import Label
from models_inference.predictions.candidates import candidate_pairs, candidate_sql


def by_definition(dataset, names, k, min_models):
    """{(image, label): (sources, models, score)}."""
    candidates_by_image = {}
    for image in dataset.images.all():
        if image.dataset_label_id:
            candidates_by_image[image.id, image.dataset_label_id] = ["dataset"]
        for prediction in image.predictions.order_by("classifier__name"):
            if prediction.classifier.name not in names:
                continue
            ranked = zip(prediction.labels, prediction.scores, strict=True)
            for rank, (label, score) in enumerate(list(ranked)[:k], 1):
                candidates_by_image.setdefault((image.id, label), []).append(
                    [prediction.classifier.name, rank, score]
                )
    result = {}
    for pair, sources in candidates_by_image.items():
        models = [source for source in sources if source != "dataset"]
        if "dataset" in sources or len(models) >= min_models:
            score = max((source[2] for source in models), default=None)
            result[pair] = (sources, len(models), score and pytest.approx(score, rel=1e-6))
    return result


@pytest.mark.parametrize(
    ("classifiers", "k", "min_models"),
    [(None, 5, 1), (["a", "c, with comma"], 1, 1), (None, 50, 3), (["b"], 2, 1), ([], 5, 1)],
)
def test_candidates_are_what_the_definition_says(dataset, classifiers, k, min_models):
    got = {
        (row.image_id, row.label_id): (row.sources, row.models, row.score)
        for row in candidate_pairs(dataset, None, classifiers, k, min_models)
    }
    names = ["a", "b", "c, with comma", "new"] if classifiers is None else classifiers
    assert got == by_definition(dataset, names, k, min_models)


def test_some_images_only_and_the_statement_as_a_subquery(dataset):
    some = list(dataset.images.values_list("id", flat=True)[3:9])
    rows = list(candidate_pairs(dataset, some))
    assert {row.image_id for row in rows} <= set(some)
    assert rows == [row for row in candidate_pairs(dataset) if row.image_id in some]
    assert list(candidate_pairs(dataset, [])) == []
    sql, parameters = candidate_sql(dataset, some)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(models) FROM ({sql}) AS c", parameters)
        assert cursor.fetchone() == (len(rows), sum(row.models for row in rows))


def test_every_label_is_of_the_dataset(dataset):
    own = set(Label.objects.filter(dataset=dataset).values_list("id", flat=True))
    assert {row.label_id for row in candidate_pairs(dataset)} <= own


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"classifiers": ["a", "nobody"]}, r"Unknown classifier nobody of dataset main"),
        ({"k": 0}, "k must be"),
        ({"min_models": 0}, "min_models must be"),
        ({"classifiers": ["a"], "min_models": 2}, "min_models is 2, but only 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(dataset, arguments, says):
    with pytest.raises(ValueError, match=says):
        candidate_sql(dataset, **arguments)
