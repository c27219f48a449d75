"""Aggregation: from a campaign's stored answers to its results, replaced whole by each run."""

import io
import json
import math
import time
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from django.db import connection, transaction

from tasks.aggregation.frequencies import selection_frequencies
from tasks.aggregation.objects import Response, image_objects
from tasks.models import Campaign, ImageResult, Pair, PairResult, Run
from tasks.models.campaign import Kind

VERSION = "0.1.0"
AGGREGATING = 7_001  # first key of the advisory lock; the second is the campaign's id

USED_SQL = "a.state = 'submitted' AND a.outcome = 'accepted' AND NOT a.set_aside"


def aggregate(campaign: Campaign) -> Run:
    """Compute and store the results of a campaign's used answers.

    One transaction on one snapshot: a reader sees the last run or this one, never half of it. Of
    two runs at once the second waits for the first.
    """
    started = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [AGGREGATING, campaign.pk])
        run = Run.objects.create(
            campaign=campaign,
            version=VERSION,
            settings={"workers_per_item": campaign.workers_per_item, "maybe": campaign.maybe},
        )
        if campaign.kind == Kind.CONTAINS:
            run.counts = _pair_results(campaign, run)
        else:
            run.counts = _image_results(campaign, run)
        run.seconds = time.monotonic() - started
        run.save()
    return run


def read_judgments(campaign: Campaign) -> pa.Table:
    """The used study judgments of a CONTAINS campaign: pair (id), worker (id), answer.

    answer: -1 unseen, 0 no, 1 yes, 2 maybe. Read by COPY.
    """
    query = f"""
        COPY (
          SELECT i.pair_id, a.worker_id,
                 CASE WHEN i.position = ANY (a.unseen) THEN -1
                      WHEN i.position = ANY (a.selected) THEN 1
                      WHEN i.position = ANY (a.maybe) THEN 2 ELSE 0 END
          FROM tasks_assignment a
          CROSS JOIN LATERAL unnest(a.shown) AS s (position)
          JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position
          WHERE a.campaign_id = {int(campaign.pk)} AND {USED_SQL} AND i.pair_id IS NOT NULL
        ) TO STDOUT (FORMAT csv)
    """
    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(query, buffer)
    names = {"pair": pa.int64(), "worker": pa.int64(), "answer": pa.int8()}
    if not buffer.tell():
        return pa.table({name: pa.array([], kind) for name, kind in names.items()})
    buffer.seek(0)
    return pa.csv.read_csv(
        buffer,
        read_options=pa.csv.ReadOptions(column_names=list(names)),
        convert_options=pa.csv.ConvertOptions(column_types=names),
    )


def _pair_results(campaign: Campaign, run: Run) -> dict[str, int]:
    """Selection frequencies of every pair of the campaign."""
    judgments = read_judgments(campaign)
    pairs = np.array(
        list(Pair.objects.filter(campaign=campaign).order_by("pk").values_list("pk", flat=True)),
        dtype=np.int64,
    )
    index = np.searchsorted(pairs, judgments["pair"].to_numpy())
    found = selection_frequencies(index, judgments["answer"].to_numpy(), len(pairs))
    PairResult.objects.filter(pair__campaign=campaign).delete()
    PairResult.objects.bulk_create(
        (
            PairResult(
                run=run,
                pair_id=pair,
                selected=selected,
                maybe=maybe,
                shown=shown,
                sf=_or_none(sf),
                sf_low=_or_none(low),
                sf_high=_or_none(high),
            )
            for pair, selected, maybe, shown, sf, low, high in zip(
                pairs.tolist(), *(array.tolist() for array in found), strict=True
            )
        ),
        batch_size=5000,
    )
    return {
        "judgments": len(judgments),
        "pairs": len(pairs),
        "workers": len(np.unique(judgments["worker"].to_numpy())),
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_responses(campaign: Campaign) -> dict[int, list[dict[str, Any]]]:
    """The used responses of a CLASSIFY campaign by image (id), in order of submission.

    A response is {"worker", "selected": [label ids], "main": label id or None, ...}.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT i.image_id, a.worker_id, r.response
            FROM tasks_assignment a
            CROSS JOIN LATERAL unnest(a.shown) WITH ORDINALITY AS s (position, number)
            CROSS JOIN LATERAL (SELECT a.answers -> (s.number - 1)::int AS response) r
            JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position
            WHERE a.campaign_id = %s AND {USED_SQL} AND i.role = 'study'
            ORDER BY a.submitted_at, a.sequence, a.id, s.number
            """,
            [campaign.pk],
        )
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for image, worker, response in cursor.fetchall():
            found[image].append(json.loads(response) | {"worker": worker})
    return found


def _image_results(campaign: Campaign, run: Run) -> dict[str, int]:
    """Objects and main label of every image of the campaign."""
    keys = dict(campaign.dataset.labels.values_list("pk", "key"))
    responses = read_responses(campaign)
    images = dict(campaign.campaign_images.values_list("image_id", "image__dataset_label_id"))
    results = []
    for image, dataset_label in images.items():
        found = image_objects(
            (
                Response(
                    [keys[label] for label in response["selected"]],
                    keys.get(response["main"]),
                )
                for response in responses.get(image, [])
            ),
            keys.get(dataset_label),
        )
        results.append(
            ImageResult(
                run=run,
                campaign=campaign,
                image_id=image,
                main_label=found.main_label,
                main_votes=found.main_votes,
                num_objects=found.num_objects,
                object_counts=found.object_counts,
                objects_found=found.objects,
                main_object=found.main_object,
                dataset_object=found.dataset_object,
                workers=found.workers,
            )
        )
    ImageResult.objects.filter(campaign=campaign).delete()
    ImageResult.objects.bulk_create(results, batch_size=2000)
    everything = [response for answers in responses.values() for response in answers]
    return {
        "responses": len(everything),
        "images": len(images),
        "workers": len({response["worker"] for response in everything}),
    }
