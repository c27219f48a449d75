"""Results of a CLASSIFY campaign: objects of images, posteriors of their main labels, agreement."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.aggregation import (
    ImageObjects,
    Response,
    agreement_of_counts,
    agrees_with_others,
    fit_one_coin,
    image_objects,
)
from tasks.aggregation.fixed_point import MOST_STEPS, STILL
from tasks.aggregation.k_cut import MAX_LISTED
from tasks.models import Campaign, Run
from tasks.models.campaign import Kind
from tasks.results.answered import AnsweredAssignments, RunSummary
from tasks.results.arrays import lengths, to_arrow, to_numpy
from tasks.results.flags import replace_flags
from tasks.results.store import Answers
from tasks.results.stored_answers import SCHEMAS, malformed_answer
from tasks.results.worker_results import control_accuracy, share, write_workers
from tasks.sql import copying
from tasks.sql.withdrawn import kept

SETTINGS: dict[str, Any] = {  # a run under other ones computes everything again
    "main_posteriors": {"still": STILL, "most_steps": MOST_STEPS},
    "equal_choices": {"most_listed": MAX_LISTED},
}
_LISTS = ("image", "main", "selected")
COLUMNS = (
    *("run_id", "campaign_id", "image_id", "main_label", "main_votes", "num_objects"),
    *("object_counts", "objects_found", "main_object", "dataset_object", "workers"),
    *("equal_cuts", "surely_disagrees", "may_disagree", "main_posteriors"),
)


@dataclass(frozen=True)
class AskedImages:
    """The campaign's images with their dataset labels, and the dataset's labels."""

    images: pa.Table
    """`id`, ascending, `key`, `label` (its dataset label's id, or null)."""
    labels: pa.Table
    """`id`, ascending, `key`."""
    candidates: pa.Table
    """`image`, `label`: the labels that workers may have been offered."""

    @property
    def digest(self) -> str:
        """Changes when images, labels or candidates change."""
        tables = (self.images, self.labels, self.candidates)
        text = json.dumps([table.to_pydict() for table in tables])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Responses:
    """All used responses, ordered by image and then by submission."""

    image: NDArray[np.int64]
    worker: NDArray[np.int64]
    main: NDArray[np.int32]
    """Id of the main label; 0: none of these labels."""
    first: NDArray[np.int64]
    """(n + 1,): where each response's labels begin in `selected`."""
    selected: NDArray[np.int32]

    @classmethod
    def of(cls, answers: Answers, answered: AnsweredAssignments) -> "Responses":
        table = pa.Table.from_batches(answers.batches, SCHEMAS[Kind.CLASSIFY])
        order = np.lexsort(
            [to_numpy(table[name]) for name in ("assignment", "sequence", "submitted")]
        )
        table = table.take(to_arrow(order)).combine_chunks()
        worker = np.repeat(answered.worker[order], answered.judgments[order])
        image, main, selected = (table[name].combine_chunks().flatten() for name in _LISTS)
        by_image = np.argsort(to_numpy(image), kind="stable")
        selected = selected.take(to_arrow(by_image))
        sizes = lengths(selected)
        return cls(
            to_numpy(image)[by_image],
            worker[by_image],
            to_numpy(main)[by_image],
            np.concatenate([[0], np.cumsum(sizes)]),
            to_numpy(selected.flatten()),
        )

    def are_of(self, labels: NDArray[np.int64]) -> bool:
        """Whether they name only these labels (ids)."""
        named = (self.selected, self.main[self.main != 0])
        return all(np.isin(ids, labels).all() for ids in named)


def read_asked(cursor, campaign: Campaign) -> AskedImages:
    """The campaign's images, less those withdrawn, and its dataset's labels."""
    params = {"campaign": campaign.pk, "dataset": campaign.dataset_id}
    integer, text = pa.int64(), pa.string()
    return AskedImages(
        copying.table(
            cursor,
            """
            SELECT i.id, i.key, i.dataset_label_id
            FROM tasks_campaignimage c JOIN imagesets_image i ON i.id = c.image_id
            WHERE c.campaign_id = %(campaign)s AND i.withdrawn_at IS NULL ORDER BY i.id
            """,
            pa.schema([("id", integer), ("key", text), ("label", integer)]),
            params,
        ),
        copying.table(
            cursor,
            "SELECT id, key FROM imagesets_label WHERE dataset_id = %(dataset)s ORDER BY id",
            pa.schema([("id", integer), ("key", text)]),
            params,
        ),
        copying.table(
            cursor,
            f"SELECT p.image_id, p.label_id FROM tasks_pair p WHERE p.campaign_id = %(campaign)s"
            f" AND {kept('p.image_id')} ORDER BY p.image_id, p.label_id",
            pa.schema([("image", integer), ("label", integer)]),
            params,
        ),
    )


def write_results(
    cursor, run: Run, asked: AskedImages, answers: Answers, *, everything: bool
) -> RunSummary:
    """Store the results of all images and workers.

    Objects are computed again only for images with changed answers (or for all); any new answer
    changes every posterior.
    """
    answered = AnsweredAssignments.of(answers, "image")
    responses = Responses.of(answers, answered)
    if not responses.are_of(to_numpy(asked.labels["id"])):
        raise malformed_answer(cursor, run.campaign) or ValueError("answers name unknown labels")
    posteriors, convergence = main_posteriors(asked, responses, answered.workers.size)
    wanted = None if everything else answers.touched
    if wanted is None:
        cursor.execute("DELETE FROM tasks_imageresult WHERE campaign_id = %s", [run.campaign_id])
    else:
        cursor.execute(
            "DELETE FROM tasks_imageresult WHERE campaign_id = %s AND image_id = ANY (%s)",
            [run.campaign_id, sorted(wanted)],
        )
        _renew_others(cursor, run, asked, posteriors)
    copying.write_rows(
        cursor,
        "tasks_imageresult",
        COLUMNS,
        (
            (
                *(run.pk, run.campaign_id, image, result.main_label, _json(result.main_votes)),
                *(result.num_objects, _json(result.object_counts), _json(result.objects)),
                *(result.main_object, result.dataset_object, result.workers),
                *(result.equal_cuts, result.surely_disagrees, result.may_disagree),
                _json(posteriors.get(image)),
            )
            for image, result in _objects(asked, responses, wanted)
        ),
    )
    agreement, with_others = _agreement(responses, answered.workers.size)
    write_workers(
        cursor,
        run,
        answered,
        agreement=with_others,
        control_accuracy=control_accuracy(answers, answered),
    )
    replace_flags(run.campaign, answered.workers, responses.worker, responses.image, responses.main)
    counts = answered.counts()
    counts = {"responses": counts.pop("judgments"), "images": len(asked.images)} | counts
    return RunSummary(counts, agreement, convergence, _notes(cursor, run))


def main_posteriors(
    asked: AskedImages, responses: Responses, n_workers: int
) -> tuple[dict[int, dict[str, float]], dict[str, Any]]:
    """By image, the probability of each label that somebody named main (rule A3).

    One-coin Dawid-Skene over each image's own candidates (one_coin.py), from responses that name a
    main label. Candidates that nobody named share the rest equally. Also returns how EM ended.
    """
    images, labels = to_numpy(asked.images["id"]), to_numpy(asked.labels["id"])

    def code(image: NDArray[np.int64], label: NDArray[Any]) -> NDArray[np.int64]:
        """A number for each (image, label), in this order; -1 if the image is not asked about."""
        at = np.searchsorted(images, image)
        asked_about = (label > 0) & (images[np.minimum(at, images.size - 1)] == image)
        return np.where(asked_about, at * labels.size + np.searchsorted(labels, label), -1)

    if not images.size:
        return {}, {}
    chosen = code(responses.image, responses.main)
    worker, chosen = responses.worker[chosen >= 0], chosen[chosen >= 0]
    offered = code(to_numpy(asked.candidates["image"]), to_numpy(asked.candidates["label"]))
    codes = np.unique(np.concatenate([offered[offered >= 0], chosen]))
    choice = np.searchsorted(codes, chosen)
    fitted = fit_one_coin(worker, choice, codes // labels.size, n_workers)
    named = np.unique(choice)
    image = images[codes[named] // labels.size].tolist()
    key = asked.labels["key"].to_pylist()
    label = [key[number] for number in (codes[named] % labels.size).tolist()]
    by_image: dict[int, dict[str, float]] = {}
    for number, name, chance in zip(image, label, fitted.posterior[named].tolist(), strict=True):
        by_image.setdefault(number, {})[name] = chance
    return by_image, {"model": "one-coin Dawid-Skene"} | fitted.arrival._asdict()


def _renew_others(
    cursor, run: Run, asked: AskedImages, posteriors: dict[int, dict[str, float]]
) -> None:
    """Update the posteriors of the results that stay, and trace them to this run."""
    cursor.execute("CREATE TEMPORARY TABLE renewed (image_id bigint, main_posteriors jsonb)")
    rows = ((image, _json(posteriors.get(image))) for image in asked.images["id"].to_pylist())
    copying.write_rows(cursor, "renewed", ("image_id", "main_posteriors"), rows)
    with copying.avoiding(cursor, "nestloop"):
        cursor.execute(
            """
            UPDATE tasks_imageresult r SET run_id = %s, main_posteriors = n.main_posteriors
            FROM renewed n WHERE r.campaign_id = %s AND r.image_id = n.image_id
            """,
            [run.pk, run.campaign_id],
        )
    cursor.execute("DROP TABLE renewed")


def _objects(
    asked: AskedImages, responses: Responses, wanted: set[int] | None
) -> Iterator[tuple[int, ImageObjects]]:
    """The id and objects of each image asked about, or of the wanted ones only."""
    key = dict(zip(*asked.labels.to_pydict().values(), strict=True))
    images = to_numpy(asked.images["id"])
    begin = np.searchsorted(responses.image, images).tolist()
    end = np.searchsorted(responses.image, images, side="right").tolist()
    for image, label, start, stop in zip(
        images.tolist(), asked.images["label"].to_pylist(), begin, end, strict=True
    ):
        if wanted is not None and image not in wanted:
            continue
        first = responses.first[start : stop + 1].tolist()
        selected = [key[number] for number in responses.selected[first[0] : first[-1]].tolist()]
        answers = [
            Response(selected[at - first[0] : to - first[0]], key.get(main))
            for at, to, main in zip(
                first, first[1:], responses.main[start:stop].tolist(), strict=False
            )
        ]
        yield image, image_objects(answers, key.get(label), skip_too_hard=True)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _agreement(
    responses: Responses, n_workers: int
) -> tuple[dict[str, float | int] | None, NDArray[np.float64]]:
    """Agreement on main labels, "none of these" being one (rule A4): of all, and of each worker
    with the consensus of the others."""
    if not responses.image.size:
        return None, np.full(n_workers, np.nan)
    _, label = np.unique(responses.main, return_inverse=True)
    n_labels = int(label.max()) + 1
    _, image = np.unique(responses.image, return_inverse=True)
    choices, choice, count = np.unique(
        image * n_labels + label, return_inverse=True, return_counts=True
    )
    together = agreement_of_counts(count, choices // n_labels, choices % n_labels)
    verdict = agrees_with_others(count, choices // n_labels)[choice]
    agreed = np.bincount(responses.worker[verdict == 1], minlength=n_workers)
    compared = np.bincount(responses.worker[verdict >= 0], minlength=n_workers)
    return together._asdict() if together.answers else None, share(agreed, compared)


def _notes(cursor, run: Run) -> list[str]:
    """Names the images with too many labels to group: they have all results but objects (rule O6).

    An image on which workers agree on nothing must not hold back the results of all others.
    """
    cursor.execute(
        """
        SELECT i.key, r.num_objects
        FROM tasks_imageresult r JOIN imagesets_image i ON i.id = r.image_id
        WHERE r.campaign_id = %s AND r.num_objects > 0 AND r.objects_found = '[]'
        ORDER BY i.key COLLATE "C"
        """,
        [run.campaign_id],
    )
    return [
        f"image {key}: no objects stored, since it has too many labels to group exactly"
        f" into {number} objects"
        for key, number in cursor.fetchall()
    ]
