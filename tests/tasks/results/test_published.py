"""Data sets shaped like published ones, but smaller: imported, aggregated, exported, all exact.

benchmarks/import_responses.py and export.py run at the published sizes.
"""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from django.db import connection

from annotation.exports import Export
from imagesets.models import Dataset, Image, Label
from tasks.aggregation import (
    Response,
    fit_posteriors,
    image_objects,
    selection_frequencies,
)
from tasks.campaigns.publish import close, publish
from tasks.models import Campaign
from tasks.responses import import_responses
from tasks.results import aggregate

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERS = {0: "false", 1: "true", 2: "maybe"}


def a_dataset(images: int, labels: int) -> Dataset:
    dataset = Dataset.objects.create(slug="published", name="Published")
    made = Label.objects.bulk_create(
        Label(dataset=dataset, key=f"n{number:08d}", names=[f"thing {number}"])
        for number in range(labels)
    )
    Image.objects.bulk_create(
        (
            Image(
                dataset=dataset,
                key=f"val/{number:08d}.JPEG",
                location=f"/nowhere/{number}.jpg",
                sha256=f"{number:064x}",
                width=500,
                height=375,
                dataset_label=made[number % labels],
            )
            for number in range(images)
        ),
        batch_size=5000,
    )
    return dataset


def classify_rows(rng: np.random.Generator, images: int, answers: int, workers: int) -> list[dict]:
    """6 to 9 answers an image, each of one to four of the image's own few labels, or of none."""
    per_image = np.full(images, 9)
    some = rng.choice(images, images // 10, replace=False)
    while (too_many := per_image.sum() - answers) > 0:
        per_image[rng.permutation(some[per_image[some] > 6])[: min(too_many, images // 40)]] -= 1
    rows = []
    for image, number in enumerate(per_image.tolist()):
        labels = [image % 1000, *rng.choice(1000, rng.integers(1, 6), replace=False).tolist()]
        labels = [f"n{label:08d}" for label in dict.fromkeys(labels)]
        weight = rng.dirichlet(np.full(len(labels), 0.7))
        for worker in rng.choice(workers, number, replace=False).tolist():
            size = min(
                len(labels), int(rng.choice([0, 1, 2, 3, 4], p=[0.03, 0.5, 0.3, 0.12, 0.05]))
            )
            some = rng.choice(len(labels), size, replace=False, p=weight * 0.9 + 0.1 / len(labels))
            selected = [labels[place] for place in some.tolist()]
            rows.append(
                {
                    "worker": f"worker {worker}",
                    "image": f"val/{image:08d}.JPEG",
                    "selected": selected,
                    "main": selected[0] if selected else "",
                }
            )
    return [rows[place] for place in rng.permutation(len(rows)).tolist()]


def as_file(path: Path, rows: list[dict]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}
            )
    return path


def take(campaign: Campaign, path: Path) -> None:
    with path.open("rb") as file:
        import_responses(campaign, file, "a test")


def exported(campaign: Campaign, table: str) -> dict:
    lines = b"".join(Export(campaign, table, "jsonl")).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    return {(row["image"], row.get("label")): row for row in rows}


def test_classify_answers_of_the_published_shape(tmp_path):
    """6,761 images with 59,580 answers of 400 workers; a tenth of that."""
    images, answers, workers = 676, 5_958, 40
    campaign = Campaign.objects.create(
        name="D", slug="published-d", dataset=a_dataset(images, 1000), kind="classify"
    )
    rows = classify_rows(np.random.default_rng(0), images, answers, workers)
    take(campaign, as_file(tmp_path / "answers.csv", rows))
    run = aggregate(campaign)
    assert run.counts["responses"] == len(rows) == answers
    assert (run.counts["images"], run.counts["workers"]) == (images, workers)
    assert run.notes == []
    responses: dict[str, list[Response]] = {}
    for row in rows:  # the order of submission is that of the file
        responses.setdefault(row["image"], []).append(
            Response(row["selected"], row["main"] or None)
        )
    rows = exported(campaign, "annotations")
    assert len(rows) == images
    for number in range(images):
        key = f"val/{number:08d}.JPEG"
        row = rows[key, None]
        own = f"n{number % 1000:08d}"
        wanted = image_objects(responses[key], own)
        assert row["dataset_label"] == own
        columns = [name for name in wanted._fields if name in row]
        assert len(columns) == 8
        assert [row[name] for name in columns] == [getattr(wanted, name) for name in columns]
    sizes = Counter(row["workers"] for row in rows.values())
    assert set(sizes) == {6, 7, 8, 9}


def contains_rows(
    rng: np.random.Generator, pairs: int, raters: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pair, rater, answer) of five raters a pair, in random order."""
    pair = np.repeat(np.arange(pairs), 5)
    rater = (
        rng.integers(0, raters, pairs)[:, None]
        + rng.permuted(np.tile(np.arange(1, 1 + raters // 5) * 4, (pairs, 1)), axis=1)[:, :5]
    ) % raters
    truth = rng.random(pairs) < 0.3
    careful = rng.beta(9, 1.5, raters)[rater.reshape(-1)]
    right = rng.random(pair.size) < careful
    answer = np.where(right == truth[pair], 1, 0)
    answer[rng.random(pair.size) < 0.08] = 2
    order = rng.permutation(pair.size)
    return pair[order], rater.reshape(-1)[order], answer[order].astype(np.int8)


def judgments_file(folder: Path, keys: list[tuple[str, str]], pair, rater, answer) -> Path:
    path = folder / "judgments.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["worker", "image", "label", "selected"])
        writer.writerows(
            (f"r{r}", *keys[p], ANSWERS[a])
            for p, r, a in zip(pair.tolist(), rater.tolist(), answer.tolist(), strict=True)
        )
    return path


def test_contains_judgments_of_the_published_shape(tmp_path):
    """85 raters, five on each pair, no / maybe / yes; a fiftieth of the published number."""
    images, per_image, raters = 924, 4, 85
    pairs = images * per_image
    pair, rater, answer = contains_rows(np.random.default_rng(1), pairs, raters)
    campaign = Campaign.objects.create(
        name="C", slug="published-c", dataset=a_dataset(images, 50), kind="contains", maybe=True
    )
    keys = [(f"val/{n // per_image:08d}.JPEG", f"n{n * 7 % 50:08d}") for n in range(pairs)]
    take(campaign, judgments_file(tmp_path, keys, pair, rater, answer))
    run = aggregate(campaign)
    assert run.counts["judgments"] == 5 * pairs
    wanted = selection_frequencies(pair, answer, pairs)
    fitted = fit_posteriors(rater, pair, answer, raters, pairs)
    rows = exported(campaign, "selection_frequencies")
    assert len(rows) == pairs
    for number, key in enumerate(keys):
        row = rows[key]
        assert (row["selected"], row["maybe"], row["shown"]) == (
            wanted.selected[number],
            wanted.maybe[number],
            5,
        )
        assert (row["sf"], row["sf_low"], row["sf_high"]) == (
            wanted.sf[number],
            wanted.low[number],
            wanted.high[number],
        )
        assert row["posterior"] == pytest.approx(fitted.posterior[number], abs=1e-6)
    assert run.convergence["tau"] == fitted.tau
    assert run.convergence["converged"]


def test_classify_is_published_from_an_import_that_the_planner_knows_nothing_of(tmp_path):
    """With what it knew of the tables before, publishing took 31 s, and 82 s for twice
    the pairs. No pair asks about an image's dataset label: it is offered all the same."""
    dataset = a_dataset(images=924, labels=50)
    labels = dict(dataset.images.values_list("key", "dataset_label__key"))
    keys = [
        (key, f"n{(int(own[1:]) + step) % 50:08d}")
        for key, own in labels.items()
        for step in (1, 2, 3, 4)
    ]
    pair, rater, answer = contains_rows(np.random.default_rng(2), len(keys), raters=85)
    for name, rows in (("few", slice(12)), ("many", slice(None))):
        source = Campaign.objects.create(
            name=name, slug=name, dataset=dataset, kind="contains", maybe=True
        )
        take(source, judgments_file(tmp_path, keys, pair[rows], rater[rows], answer[rows]))
        if name == "few":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
    source.refresh_from_db()
    close(source, "a test")
    follow = Campaign.objects.create(
        name="F", slug="f", dataset=dataset, kind="classify", source=source, follow_up="all"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
        publish(follow, "a test")
        cursor.execute("RESET statement_timeout")
    offered = set(follow.pairs.values_list("image__key", "label__key"))
    assert set(labels.items()) <= offered
    assert len(offered) > len(labels)
