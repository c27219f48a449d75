"""CLASSIFY: what changes in the objects of images without the answers of one worker."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from annotation.drawn.picture import Drawn
from annotation.explorer.changes import SHOWN, Change, Changes
from imagesets.models import Image, Label
from tasks.aggregation.objects import ImageObjects, Response, image_objects
from tasks.models import Campaign, Run, Worker
from tasks.sql.judgments import ANSWERED, ITEMS, RESPONSE
from tasks.sql.used import used

_RESPONSES = f"""
    SELECT i.image_id, a.worker_id, r.response ->> 'main', r.response -> 'selected'
    FROM tasks_assignment a {ITEMS} {RESPONSE}
    WHERE a.campaign_id = %(campaign)s AND {used()} AND {ANSWERED} AND i.role <> 'control'
      AND a.submitted_at <= %(until)s AND i.image_id = ANY (%(images)s)
      AND a.hit_id IN (SELECT h.hit_id FROM tasks_hititem h WHERE h.image_id = ANY (%(images)s))
    ORDER BY a.submitted_at, a.sequence, a.id, s.number
"""
_IMAGES = f"""
    SELECT DISTINCT i.image_id FROM tasks_assignment a {ITEMS} {RESPONSE}
    WHERE a.id = ANY (%s) AND {ANSWERED} AND i.role <> 'control'
"""


def changed_images(
    campaign: Campaign, worker: Worker, assignments: list[int], run: Run
) -> list[Changes]:
    """What changes without these answers of the worker, all of which the run has counted."""
    with connection.cursor() as cursor:
        cursor.execute(_IMAGES, [assignments])
        ids = [row[0] for row in cursor.fetchall()]
        params: dict[str, Any] = {"campaign": campaign.pk, "images": ids, "until": run.started_at}
        cursor.execute(_RESPONSES, params)
        rows = cursor.fetchall()
    answers: dict[int, list[tuple[int, str | None, list[int]]]] = defaultdict(list)
    for image, who, main, selected in rows:
        chosen = json.loads(selected) if isinstance(selected, str) else selected
        answers[image].append((who, main, chosen or []))
    images = Image.objects.select_related("dataset_label").in_bulk(ids)
    labels = Label.objects.filter(dataset=campaign.dataset_id, pk__in=_named(answers.values()))
    key = dict(labels.values_list("pk", "key"))
    name = {label.key: label.names[0] for label in labels}
    both: dict[int, tuple[ImageObjects, ImageObjects]] = {}
    for image, given in answers.items():
        own = images[image].dataset_label
        both[image] = (
            _objects(given, None, key, own.key if own else None),
            _objects(given, worker.pk, key, own.key if own else None),
        )
    half = (campaign.workers_per_item + 1) // 2  # its min_judgments speaks of its source's answers

    def listed(what: Any, changed: Any) -> tuple[int, list[Change]]:
        """How many images answer `what` differently without the worker, and the first of them."""
        found = [image for image in sorted(both) if changed(*both[image])]
        return len(found), [
            Change(Drawn.of(images[image]), "", what(both[image][0]), what(both[image][1]))
            for image in found[:SHOWN]
        ]

    kinds = (
        (
            "Images whose main label would change",
            lambda found: name.get(found.main_label or "", "none"),
            lambda a, b: a.main_label != b.main_label,
        ),
        (
            "Images whose number of objects would change",
            lambda found: f"{found.num_objects if found.num_objects is not None else 'none'}",
            lambda a, b: a.num_objects != b.num_objects,
        ),
        (
            "Images whose main object would leave the dataset label's, or come back to it",
            lambda found: "another one" if found.disagrees else "the same, or one object",
            lambda a, b: a.disagrees != b.disagrees,
        ),
        (
            f"Images left with fewer than {half} answers",
            lambda found: f"{found.workers} answers",
            lambda a, b: a.workers >= half > b.workers,
        ),
    )
    return [
        Changes(title, number, len(both), "images", first)
        for title, what, changed in kinds
        for number, first in [listed(what, changed)]
    ]


def _named(answers: Iterable[list[tuple[int, str | None, list[int]]]]) -> set[int]:
    return {label for given in answers for _, _, selected in given for label in selected}


def _objects(
    given: list[tuple[int, str | None, list[int]]],
    without: int | None,
    key: dict[int, str],
    own: str | None,
) -> ImageObjects:
    responses = [
        Response([key[label] for label in selected], key.get(int(main)) if main else None)
        for who, main, selected in given
        if who != without
    ]
    return image_objects(responses, own, skip_too_hard=True)
