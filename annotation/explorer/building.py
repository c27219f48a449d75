"""Makes the columns of a study from the stored results, in the explorer's order (rule T15)."""

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from annotation.explorer.columns import END, GROUPS, NOBODY, NOT_SETTLED, PAIR, TYPES, Bools
from annotation.explorer.none_won import NAMED
from annotation.report.campaigns import Campaigns
from imagesets.models import Dataset
from models_inference.models import Classifier
from tasks.aggregation.groups import image_groups
from tasks.models import Campaign
from tasks.results.arrays import to_numpy
from tasks.sql import copying

HALF = Fraction(1, 2)
MOST_OBJECTS = 250  # numbers above count as this; the rest of a byte says why there is none
INTEGER, TEXT, NUMBER = pa.int64(), pa.string(), pa.float64()


def columns_of(
    cursor: Any, dataset: Dataset, campaigns: Campaigns, classifiers: list[Classifier]
) -> dict[str, NDArray[Any]]:
    """Every column of the images of these campaigns; without any, of all images of the dataset."""
    return _Building(cursor, dataset, campaigns).columns(classifiers)


class _Building:
    def __init__(self, cursor: Any, dataset: Dataset, campaigns: Campaigns) -> None:
        self.cursor = cursor
        self.contains, self.classify = campaigns
        self.params = {
            "dataset": dataset.pk,
            "contains": self.contains.pk if self.contains else 0,
            "classify": self.classify.pk if self.classify else 0,
        }

    def table(self, query: str, **columns: pa.DataType) -> dict[str, NDArray[Any]]:
        table = copying.table(self.cursor, query, pa.schema(columns.items()), self.params)
        return {
            name: np.array(table[name].to_pylist(), object)
            if columns[name] == TEXT
            else to_numpy(table[name])
            for name in table.column_names
        }

    def columns(self, classifiers: list[Classifier]) -> dict[str, NDArray[Any]]:
        """All columns in the explorer's order."""
        images = self._images()
        self.ids = np.sort(images["id"])  # the order until the explorer's is known
        by_id = np.argsort(images["id"])
        label = images["label"][by_id].astype(np.int32)
        keys = images["key"][by_id]
        pairs = self._pairs()
        own = np.flatnonzero(pairs["label"] == label[pairs["image"]])
        selected, shown = np.zeros(label.size, np.uint32), np.zeros(label.size, np.uint32)
        posterior = np.full(label.size, np.nan)
        at = pairs["image"][own]
        selected[at], shown[at] = pairs["selected"][own], pairs["shown"][own]
        posterior[at] = np.where(shown[at] > 0, pairs["posterior"][own], np.nan)
        found = self._found(label)
        columns = {
            "image": self.ids,
            "label": label,
            "selected": selected,
            "shown": shown,
            "posterior": posterior,
            "group": self._groups(images["group"][by_id], pairs, label),
            "objects": found["objects"],
            "elsewhere": found["elsewhere"],
            "main": found["main"],
        }
        with np.errstate(invalid="ignore", divide="ignore"):
            frequency = selected / shown
        share = np.where(np.isnan(found["share"]), frequency, found["share"])
        columns["disagreement"] = np.where(label > 0, 1 - share, np.nan)
        by_key = np.empty(keys.size, np.int64)
        by_key[sorted(range(keys.size), key=keys.__getitem__)] = np.arange(keys.size)
        # The worst first; sorting puts NaN behind everything.
        order = np.lexsort([by_key, -columns["disagreement"]])
        place = np.empty(order.size, np.int32)
        place[order] = np.arange(order.size, dtype=np.int32)
        columns = {name: column[order] for name, column in columns.items()}
        text = b"".join(key.casefold().encode() + END for key in keys[order])
        columns["keys"] = np.frombuffer(text, np.uint8)
        columns |= self._verdicts(classifiers, place, columns["label"]) | _by_label(pairs, place)
        return {
            name: np.ascontiguousarray(column, TYPES.get(name, PAIR))
            for name, column in columns.items()
        }

    def _images(self) -> dict[str, NDArray[Any]]:
        of_study = "IN (%(contains)s, %(classify)s)"
        return self.table(
            f"""
            SELECT i.id, i.key, coalesce(i.dataset_label_id, 0) AS label,
                   coalesce(c."group", '') AS "group"
            FROM imagesets_image i
            LEFT JOIN tasks_campaignimage c ON c.image_id = i.id AND c.campaign_id = %(classify)s
            WHERE i.dataset_id = %(dataset)s AND (
              i.id IN (SELECT image_id FROM tasks_campaignimage WHERE campaign_id {of_study})
              OR NOT EXISTS (SELECT FROM tasks_campaignimage WHERE campaign_id {of_study}))
            """,
            id=INTEGER,
            key=TEXT,
            label=INTEGER,
            group=TEXT,
        )

    def _pairs(self) -> dict[str, NDArray[Any]]:
        """CONTAINS: its pairs; `image` is a number by id."""
        pairs = self.table(
            """
            SELECT p.image_id AS image, p.label_id AS label, coalesce(r.selected, 0) AS selected,
                   coalesce(r.shown, 0) AS shown, coalesce(r.posterior, 'NaN') AS posterior
            FROM tasks_pair p LEFT JOIN tasks_pairresult r ON r.pair_id = p.id
            WHERE p.campaign_id = %(contains)s
            """,
            image=INTEGER,
            label=INTEGER,
            selected=INTEGER,
            shown=INTEGER,
            posterior=NUMBER,
        )
        pairs["image"], known = self._numbers(pairs["image"])
        return {name: column[known] for name, column in pairs.items()} | {
            "image": pairs["image"][known]
        }

    def _numbers(self, ids: NDArray[Any]) -> tuple[NDArray[Any], Bools]:
        """The place of each id in `ids`, and which of them the study has."""
        at = np.minimum(np.searchsorted(self.ids, ids), max(self.ids.size - 1, 0))
        return at, self.ids[at] == ids if self.ids.size else np.zeros(ids.size, bool)

    def _groups(
        self, frozen: NDArray[Any], pairs: dict[str, NDArray[Any]], label: NDArray[Any]
    ) -> NDArray[np.uint8]:
        """As CLASSIFY froze them; before it, as its defaults would make them."""
        contains = self.contains
        if self.classify is None and contains is not None and _aggregated(contains):
            frozen = image_groups(
                pairs["image"],
                pairs["label"] == label[pairs["image"]],
                pairs["selected"],
                pairs["shown"],
                label.size,
                min_judgments=contains.judgments_needed,
                min_relative_sf=HALF,
                has_dataset_label=label > 0,
            )
        groups = np.zeros(label.size, np.uint8)
        for number, name in enumerate(GROUPS):
            groups[frozen == name] = number
        return groups

    def _found(self, label: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """CLASSIFY: what it found in each image, by id."""
        rows = self.table(
            """
            SELECT r.image_id AS image, r.workers, coalesce(r.num_objects, -1) AS objects,
                   coalesce((r.main_votes ->> own.key)::int, 0) AS votes,
                   coalesce(main.id, 0) AS main,
                   CASE WHEN r.num_objects > 1 AND r.dataset_object IS NOT NULL
                        AND r.main_object <> r.dataset_object THEN 1 ELSE 0 END AS elsewhere
            FROM tasks_imageresult r
            JOIN imagesets_image i ON i.id = r.image_id
            LEFT JOIN imagesets_label own ON own.id = i.dataset_label_id
            LEFT JOIN imagesets_label main
              ON main.dataset_id = i.dataset_id AND main.key = r.main_label
            WHERE r.campaign_id = %(classify)s AND r.workers > 0
            """,
            **dict.fromkeys(("image", "workers", "objects", "votes", "main", "elsewhere"), INTEGER),
        )
        at, known = self._numbers(rows.pop("image"))
        at, rows = at[known], {name: column[known] for name, column in rows.items()}
        objects = np.full(label.size, NOBODY, np.uint8)
        number = np.minimum(rows["objects"], MOST_OBJECTS)
        objects[at] = np.where(number < 0, NOT_SETTLED, number)
        votes, workers = np.zeros(label.size), np.zeros(label.size)
        votes[at], workers[at] = rows["votes"], rows["workers"]
        named = self.table(
            f"""
            SELECT i.image_id AS image, count(*) AS votes {NAMED}
              AND main.id = (SELECT w.dataset_label_id FROM imagesets_image w
                             WHERE w.id = i.image_id)
            GROUP BY i.image_id
            """,
            image=INTEGER,
            votes=INTEGER,
        )
        number, known = self._numbers(named["image"])
        votes[number[known]] = named["votes"][known]
        with np.errstate(invalid="ignore"):
            share = votes / workers  # NaN: nobody answered
        main, elsewhere = np.zeros(label.size, np.int32), np.zeros(label.size, np.uint8)
        main[at], elsewhere[at] = rows["main"], rows["elsewhere"]
        return {"objects": objects, "share": share, "main": main, "elsewhere": elsewhere}

    def _verdicts(
        self, classifiers: list[Classifier], place: NDArray[np.int32], label: NDArray[np.int32]
    ) -> dict[str, NDArray[Any]]:
        """What each classifier's top 1 is worth, packed; an image without a label has no right."""
        predicted, right = [], []
        for classifier in classifiers:
            self.params["classifier"] = classifier.pk
            top = self.table(
                """
                SELECT image_id AS image, labels[1] AS label FROM models_inference_prediction
                WHERE classifier_id = %(classifier)s AND cardinality(labels) > 0
                """,
                image=INTEGER,
                label=INTEGER,
            )
            number, known = self._numbers(top["image"])
            at = place[number[known]]
            row = np.zeros(place.size, bool)
            row[at] = True
            predicted.append(np.packbits(row))
            row = np.zeros(place.size, bool)
            row[at] = top["label"][known] == label[at]
            right.append(np.packbits(row))
        none = np.empty(0, np.uint8)
        return {
            "predicted": np.concatenate([none, *predicted]),
            "right": np.concatenate([none, *right]),
            "classifiers": np.array([each.pk for each in classifiers], np.int64),
        }


def _aggregated(campaign: Campaign) -> bool:
    return campaign.runs.exists()


def _by_label(pairs: dict[str, NDArray[Any]], place: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
    """The pairs by label, then place, and where each label's begin."""
    at = place[pairs["image"]]
    order = np.lexsort([at, pairs["label"]])
    table = np.empty(order.size, PAIR)
    table["place"] = at[order]
    for name in ("selected", "shown", "posterior"):
        table[name] = pairs[name][order]
    labels, starts = np.unique(pairs["label"][order], return_index=True)
    return {"pairs": table, "pair_labels": labels, "pair_starts": np.append(starts, order.size)}
