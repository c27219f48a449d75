"""Reads a study from the database into arrays, on one snapshot."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from annotation.report.arrays import (
    GROUPS,
    MAYBE,
    YES,
    Frequencies,
    Partitions,
    Predictions,
    Responses,
    Rules,
    Study,
)
from imagesets.models import Dataset
from models_inference.models import Classifier
from models_inference.predictions import logits
from models_inference.predictions.class_labels import imagenet_keys
from tasks.aggregation.groups import exact_share
from tasks.campaigns.choosing import chosen_images
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.results.arrays import lengths, to_numpy
from tasks.results.stored_answers import read_answers
from tasks.sql import copying
from tasks.sql.judgments import ANSWERED, ITEMS, RESPONSE, is_list
from tasks.sql.snapshots import on_one_snapshot
from tasks.sql.used import used
from tasks.sql.withdrawn import kept

Ints = NDArray[np.integer]
SKILLS = ("sensitivity", "specificity", "control_accuracy", "median_seconds")
FIT = ("tau", "iterations", "converged", "largest_change", "mean")
INTEGER, TEXT, NUMBER = pa.int64(), pa.string(), pa.float64()


def load_study(
    dataset: Dataset, contains: Campaign | None, classify: Campaign | None, seed: int = 0
) -> Study:
    """The study of these campaigns, of which one may be missing, as their last runs left it.

    Objects are those that the last aggregation of `classify` found.
    """
    with on_one_snapshot() as cursor:
        return _Loading(cursor, dataset, contains, classify).study(seed)


@dataclass(frozen=True)
class _Numbers:
    """Numbers rows by key; -1 for an id that is not among them."""

    keys: list[str]
    ids: Ints  # ascending
    number: Ints  # of each id

    @classmethod
    def of(cls, table: pa.Table) -> "_Numbers":
        """`table` with `id` and `key`, in any order."""
        ids, keys = to_numpy(table["id"]), table["key"].to_pylist()
        place = np.empty(ids.size, int)
        place[sorted(range(ids.size), key=keys.__getitem__)] = np.arange(ids.size)
        order = np.argsort(ids)
        return cls(sorted(keys), ids[order], place[order])

    def __call__(self, ids: Any) -> Ints:
        ids = np.asarray(ids)
        if not self.ids.size:
            return np.full(ids.shape, -1)
        at = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        return np.where(self.ids[at] == ids, self.number[at], -1)


class _Loading:
    def __init__(
        self, cursor: Any, dataset: Dataset, contains: Campaign | None, classify: Campaign | None
    ) -> None:
        self.cursor, self.dataset = cursor, dataset
        self.contains, self.classify = contains, classify
        added = contains.additions.exclude(state=State.DRAFT) if contains else ()
        self.added = sorted(added, key=lambda each: (each.created_at, each.pk))
        self.params = {
            "dataset": dataset.pk,
            "contains": contains.pk if contains else 0,
            "classify": classify.pk if classify else 0,
            "all": [each.pk for each in (contains, classify, *self.added) if each],
        }

    def table(self, query: str, **columns: pa.DataType) -> pa.Table:
        return copying.table(self.cursor, query, pa.schema(columns.items()), self.params)

    def study(self, seed: int) -> Study:
        labels = self.table(
            "SELECT id, key, superclass FROM imagesets_label WHERE dataset_id = %(dataset)s",
            id=INTEGER,
            key=TEXT,
            superclass=TEXT,
        )
        images = self.table(
            """
            SELECT i.id, i.key, coalesce(i.dataset_label_id, 0) AS label,
                   coalesce(c."group", '') AS "group"
            FROM imagesets_image i
            LEFT JOIN tasks_campaignimage c ON c.image_id = i.id AND c.campaign_id = %(classify)s
            WHERE i.withdrawn_at IS NULL
              AND i.id IN (SELECT image_id FROM tasks_campaignimage
                           WHERE campaign_id IN (%(contains)s, %(classify)s))
            """,
            id=INTEGER,
            key=TEXT,
            label=INTEGER,
            group=TEXT,
        )
        workers = self.table(
            f"""
            SELECT w.id, w.pseudonym AS key FROM tasks_worker w
            WHERE w.id IN (SELECT a.worker_id FROM tasks_assignment a
                           WHERE a.campaign_id = ANY (%(all)s) AND {used()})
            """,
            id=INTEGER,
            key=TEXT,
        )
        self.labels, self.images, self.workers = map(_Numbers.of, (labels, images, workers))
        place = self.images(to_numpy(images["id"]))
        n = place.size
        dataset_label, group, asked = np.full(n, -1), np.full(n, -1), np.zeros(n, bool)
        dataset_label[place] = self.labels(to_numpy(images["label"]))
        group[place] = [GROUPS.index(g) if g else -1 for g in images["group"].to_pylist()]
        if self.classify is not None:  # groups are kept of images, too, that its setting leaves out
            asked[place] = np.isin(to_numpy(images["id"]), chosen_images(self.classify))
        superclasses = sorted({name for name in labels["superclass"].to_pylist() if name})
        superclass = np.full(len(labels), -1)
        superclass[self.labels(to_numpy(labels["id"]))] = [
            superclasses.index(name) if name else -1 for name in labels["superclass"].to_pylist()
        ]
        models = self._models(n)
        study = Study(
            self.images.keys,
            self.labels.keys,
            self.workers.keys,
            dataset_label,
            group,
            asked,
            self._frequencies(self.contains, models) if self.contains else None,
            self._responses(n) if self.classify else None,
            models,
            superclasses,
            superclass if superclasses else None,
            self._skills(),
            self._fit(),
            self._rules(seed),
            {each.slug: self._frequencies(each, models) for each in self.added},
        )
        # A campaign that nobody has answered is as good as none.
        answers = study.contains.pair.size if study.contains else 0
        responses = study.classify.image.size if study.classify else 0
        return replace(
            study,
            contains=study.contains if answers else None,
            classify=study.classify if responses else None,
        )

    def _rules(self, seed: int) -> Rules:
        contains, classify = self.contains, self.classify
        asked = contains.workers_per_item if contains else 0
        least = classify.min_judgments if classify else None
        half = exact_share(str(classify.min_relative_sf)) if classify else Fraction(1, 2)
        return Rules(
            min_judgments=(asked + 1) // 2 if least is None else least,
            min_relative_sf=half,
            max_offered=classify.max_offered if classify else 6,
            seed=seed,
        )

    def _skills(self) -> dict[str, dict[str, float | None]]:
        """By pseudonym; seconds are an item's, in the middle of a worker's used assignments."""
        table = self.table(
            f"""
            SELECT w.pseudonym AS worker, r.sensitivity, r.specificity, r.control_accuracy,
                   s.median_seconds
            FROM tasks_workerresult r JOIN tasks_worker w ON w.id = r.worker_id
            LEFT JOIN (
              SELECT a.worker_id, percentile_cont(0.5) WITHIN GROUP (
                       ORDER BY a.active_seconds / cardinality(a.shown)) AS median_seconds
              FROM tasks_assignment a
              WHERE a.campaign_id = %(contains)s AND {used()} AND cardinality(a.shown) > 0
              GROUP BY a.worker_id) s ON s.worker_id = r.worker_id
            WHERE r.campaign_id = %(contains)s
            """,
            worker=TEXT,
            **dict.fromkeys(SKILLS, NUMBER),
        )
        return {row.pop("worker"): row for row in table.to_pylist()}

    def _fit(self) -> dict[str, Any]:
        run = self.contains.runs.first() if self.contains else None
        convergence = (run.convergence if run else None) or {}
        return {name: convergence[name] for name in FIT if name in convergence}

    def _frequencies(self, campaign: Campaign, models: Mapping[str, Predictions]) -> Frequencies:
        """The campaign's pairs on images of the study: not on those that were withdrawn."""
        self.params["campaign"] = campaign.pk
        table = self.table(
            f"""
            SELECT p.id, p.image_id AS image, p.label_id AS label,
                   coalesce(r.posterior, 'NaN') AS posterior
            FROM tasks_pair p LEFT JOIN tasks_pairresult r ON r.pair_id = p.id
            WHERE p.campaign_id = %(campaign)s AND {kept("p.image_id")} ORDER BY p.id
            """,
            id=INTEGER,
            image=INTEGER,
            label=INTEGER,
            posterior=NUMBER,
        )
        image = self.images(to_numpy(table["image"]))
        label = self.labels(to_numpy(table["label"]))
        order = np.lexsort([label, image])
        place = np.empty(order.size, np.int32)
        place[order] = np.arange(order.size, dtype=np.int32)
        image, label = image[order], label[order]
        pair, worker, answer = self._judgments(campaign)
        pair = place[np.searchsorted(to_numpy(table["id"]), pair)]

        def count(value: int | None = None) -> Ints:
            judged = pair if value is None else pair[answer == value]
            return np.bincount(judged, minlength=order.size)

        return Frequencies(
            image,
            label,
            count(YES),
            count(MAYBE),
            count(),
            to_numpy(table["posterior"])[order],
            _best_scores(image, label, models),
            pair,
            worker,
            answer,
        )

    def _judgments(self, campaign: Campaign) -> tuple[Ints, Ints, Ints]:
        """(ids of pairs, workers, answers) of all used study judgments, as they were submitted."""
        submitted = self.table(
            """
            SELECT a.id FROM tasks_assignment a
            WHERE a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL
            ORDER BY a.submitted_at, a.sequence, a.id
            """,
            id=INTEGER,
        )
        ids = to_numpy(submitted["id"])
        by_id = np.argsort(ids)
        place, pair, worker, answer = [], [], [], []
        for batch in read_answers(self.cursor, campaign, None):
            each = lengths(batch["pair"])
            at = by_id[np.searchsorted(ids[by_id], to_numpy(batch["assignment"]))]
            place.append(np.repeat(at, each))
            number = self.workers(to_numpy(batch["worker"])).astype(np.int32)
            worker.append(np.repeat(number, each))
            pair.append(to_numpy(batch["pair"].flatten()))
            answer.append(to_numpy(batch["answer"].flatten()))
        if not place:
            return np.zeros(0, int), np.zeros(0, int), np.zeros(0, int)
        order = np.argsort(np.concatenate(place), kind="stable")
        return (
            np.concatenate(pair)[order],
            np.concatenate(worker)[order],
            np.concatenate(answer)[order],
        )

    def _responses(self, n: int) -> Responses:
        lists = [
            f"CASE WHEN {is_list(name)}"
            f" THEN left(substr(translate(r.response ->> '{name}', ' ', ''), 2), -1) ELSE '' END"
            for name in ("selected", "offered")
        ]
        table = self.table(
            f"""
            SELECT i.image_id AS image, a.worker_id AS worker,
                   coalesce(nullif((r.response -> 'main')::text, 'null'), '0') AS main,
                   {lists[0]} AS selected, {lists[1]} AS offered
            FROM tasks_assignment a {ITEMS} {RESPONSE}
            WHERE a.campaign_id = %(classify)s AND {used()} AND {ANSWERED} AND i.role <> 'control'
            ORDER BY a.submitted_at, a.sequence, a.id, s.number
            """,
            image=INTEGER,
            worker=INTEGER,
            main=INTEGER,
            selected=TEXT,
            offered=TEXT,
        )
        image = self.images(to_numpy(table["image"]))
        order = np.argsort(image, kind="stable")
        selected, offered = (
            _lists(table[name].to_pylist(), order) for name in ("selected", "offered")
        )
        return Responses(
            image[order],
            self.workers(to_numpy(table["worker"]))[order],
            self.labels(to_numpy(table["main"]))[order],
            selected[0],
            self.labels(selected[1]),
            offered[0],
            self.labels(offered[1]),
            self._partitions(n),
        )

    def _partitions(self, n: int) -> Partitions:
        table = self.table(
            f"""
            SELECT image_id AS image, num_objects AS n, objects_found AS objects,
                   coalesce(equal_cuts::int, -1) AS equal_cuts,
                   coalesce(surely_disagrees::int, -1) AS surely,
                   coalesce(may_disagree::int, -1) AS may
            FROM tasks_imageresult r
            WHERE campaign_id = %(classify)s AND num_objects IS NOT NULL
              AND {kept("r.image_id")}
            """,
            image=INTEGER,
            n=INTEGER,
            objects=TEXT,
            **dict.fromkeys(("equal_cuts", "surely", "may"), INTEGER),
        )
        number = {key: place for place, key in enumerate(self.labels.keys)}
        unparted = np.zeros(n, bool)
        rows = []
        image = self.images(to_numpy(table["image"]))
        counts, texts = table["n"].to_pylist(), table["objects"].to_pylist()
        for row, count, text in zip(image.tolist(), counts, texts, strict=True):
            objects = json.loads(text)
            unparted[row] = count > 0 and not objects
            for place, found in enumerate(objects):
                rows += [(row, place, number[key]) for key in found["labels"]]
        columns = np.array(sorted(rows), int).reshape(-1, 3)
        equal, surely, may = (to_numpy(table[name]) for name in ("equal_cuts", "surely", "may"))
        equals = None
        if (equal >= 0).all():  # else an aggregation by an older version left them out
            equals = np.zeros((3, n), bool)
            equals[:, image] = equal, surely, may
        return Partitions(columns[:, 0], columns[:, 1], columns[:, 2], unparted, equals)

    def _models(self, n: int) -> dict[str, Predictions]:
        models = {}
        classifiers = Classifier.objects.filter(dataset=self.dataset)
        for classifier in sorted(classifiers, key=lambda each: each.name):
            self.params["classifier"] = classifier.pk
            table = self.table(
                """
                SELECT image_id AS image, array_to_string(labels, ',') AS labels,
                       array_to_string(scores, ',') AS scores
                FROM models_inference_prediction WHERE classifier_id = %(classifier)s
                """,
                image=INTEGER,
                labels=TEXT,
                scores=TEXT,
            )
            image = self.images(to_numpy(table["image"]))
            (ours,) = np.nonzero(image >= 0)
            begin, ids = _lists(table["labels"].to_pylist(), ours)
            _, values = _lists(table["scores"].to_pylist(), ours, float)
            sizes = np.diff(begin)
            labels = np.full((n, max(int(sizes.max(initial=0)), 1)), -1)
            scores = np.full(labels.shape, np.nan)
            row = np.repeat(image[ours], sizes)
            rank = np.arange(row.size) - np.repeat(begin[:-1], sizes)
            labels[row, rank], scores[row, rank] = self.labels(ids), values
            models[classifier.name] = Predictions(labels, scores, self._logits(classifier, n))
        return models

    def _logits(self, classifier: Classifier, n: int) -> NDArray[np.float16] | None:
        """(N, L), -inf for labels that none of its classes means; None unless all images have them.

        Classes that mean the same label count together, as their probabilities do.
        """
        kept = logits.read(classifier)
        if kept is None:
            return None
        row, classes = self.images(kept[0]), kept[1].shape[1]
        keys = classifier.mapping or (imagenet_keys() if classes == len(imagenet_keys()) else ())
        if np.unique(row[row >= 0]).size < n or not keys:
            return None
        place = {key: label for label, key in enumerate(self.labels.keys)}
        of = np.array([place.get(key, -1) for key in keys[:classes]])
        (named,) = np.nonzero(of >= 0)
        meant, first = np.unique(of[named], return_index=True)
        column = np.zeros(len(place), int)
        column[meant] = named[first]
        (ours,) = np.nonzero(row >= 0)
        rows = ours[np.argsort(row[ours])]
        in_order = all(np.array_equal(each, np.arange(each.size)) for each in (rows, column))
        if in_order and kept[1].shape == (n, meant.size) == (n, len(place)):
            return np.asarray(kept[1])  # the map of their file itself
        result = kept[1][rows].take(column, axis=1)
        result[:, np.setdiff1d(np.arange(len(place)), meant)] = -np.inf
        for again in np.delete(named, first).tolist():  # of a label that has several classes
            known = result[:, of[again]]
            result[:, of[again]] = np.logaddexp(known, kept[1][rows, again])
        return result


def _lists(texts: list[str], rows: Ints, kind: type = int) -> tuple[Ints, NDArray[Any]]:
    """Texts such as "3,1", of these rows: where each begins, and all values in order."""
    chosen = [texts[row] for row in rows.tolist()]
    sizes = [text.count(",") + 1 if text else 0 for text in chosen]
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    return begin, np.fromstring(",".join(filter(None, chosen)), kind, sep=",")


def _best_scores(image: Ints, label: Ints, models: Mapping[str, Predictions]) -> NDArray[Any]:
    """The best score that a classifier gives each pair; nan where none names it."""
    best = np.full(image.size, np.nan)
    for model in models.values():
        for column in range(model.labels.shape[1]):
            said = model.labels[image, column] == label
            best[said] = np.fmax(best[said], model.scores[image[said], column])
    return best
