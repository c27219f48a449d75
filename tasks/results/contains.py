"""Results of a CONTAINS campaign: selection frequencies, posteriors, workers' skills, agreement."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.aggregation import (
    PairPosteriors,
    agreement_of_counts,
    agrees_with_others,
    fit_posteriors,
    frequencies_of_counts,
)
from tasks.aggregation.fixed_point import MOST_STEPS, STILL
from tasks.aggregation.frequencies import MAYBE, YES
from tasks.aggregation.posterior import ANSWERS, BORROWED, TAUS
from tasks.models import Campaign, Run
from tasks.results.answered import AnsweredAssignments, RunSummary
from tasks.results.arrays import to_numpy
from tasks.results.flags import replace_flags
from tasks.results.prevalence import keep_observed
from tasks.results.store import Answers
from tasks.results.worker_results import as_table, control_accuracy, share, write_workers
from tasks.sql import copying
from tasks.sql.withdrawn import kept

SETTINGS: dict[str, Any] = {
    "posterior": {
        "taus": list(TAUS),
        "borrowed": BORROWED,
        "still": STILL,
        "most_steps": MOST_STEPS,
    }
}
BLOCK = 1 << 20  # judgments or pairs processed together


@dataclass(frozen=True)
class AskedPairs:
    """The campaign's pairs."""

    pairs: NDArray[np.int64]
    """Ids, ascending."""

    @property
    def digest(self) -> str:
        """Changes when the campaign asks about other pairs."""
        return hashlib.sha256(self.pairs.tobytes()).hexdigest()[:16]

    def numbers(self, ids: NDArray[np.int64]) -> NDArray[np.int32]:
        """The index of each id in `pairs`; -1 if missing."""
        if not self.pairs.size:
            return np.full(ids.shape, -1, np.int32)
        if self._number is not None:
            inside = (ids >= self.pairs[0]) & (ids <= self.pairs[-1])
            return np.where(inside, self._number[np.where(inside, ids - self.pairs[0], 0)], -1)
        at = np.minimum(np.searchsorted(self.pairs, ids), self.pairs.size - 1)
        return np.where(self.pairs[at] == ids, at, -1).astype(np.int32)

    @cached_property
    def _number(self) -> NDArray[np.int32] | None:
        """Indices by id, counted from the first; None if the ids are too scattered."""
        span = int(self.pairs[-1] - self.pairs[0]) + 1
        if span > 8 * self.pairs.size + BLOCK:
            return None
        number = np.full(span, -1, np.int32)
        number[self.pairs - self.pairs[0]] = np.arange(self.pairs.size)
        return number


@dataclass(frozen=True)
class StudyJudgments:
    """All used study judgments, in narrow types: nine bytes each."""

    worker: NDArray[Any]
    pair: NDArray[np.int32]
    answer: NDArray[np.uint8]

    @classmethod
    def of(
        cls, answers: Answers, answered: AnsweredAssignments, asked: AskedPairs
    ) -> "StudyJudgments":
        """In the order of assignments, not of the file: sums of floats depend on the order."""
        n = int(answered.judgments.sum())
        worker = np.empty(n, np.uint16 if answered.workers.size < 1 << 16 else np.uint32)
        pair, answer = np.empty(n, np.int32), np.empty(n, np.uint8)
        order = np.argsort(answered.assignment)
        begin = np.empty(order.size, np.int64)
        begin[order] = np.cumsum(answered.judgments[order]) - answered.judgments[order]
        row = 0
        for batch in answers.batches:
            rows = slice(row, row + batch.num_rows)
            each = answered.judgments[rows]
            at = np.repeat(begin[rows] - np.cumsum(each) + each, each) + np.arange(each.sum())
            worker[at] = np.repeat(answered.worker[rows], each)
            pair[at] = asked.numbers(to_numpy(batch["pair"].flatten()))
            answer[at] = to_numpy(batch["answer"].flatten())
            row = rows.stop
        if pair.size and pair.min() < 0:  # pairs that were deleted since they were judged
            kept = pair >= 0
            worker, pair, answer = worker[kept], pair[kept], answer[kept]
        return cls(worker, pair, answer)

    def blocks(self) -> list[slice]:
        return [slice(at, at + BLOCK) for at in range(0, self.pair.size, BLOCK)]


def read_asked(cursor, campaign: Campaign) -> AskedPairs:
    """The campaign's pairs, for which answers are counted; not of images that were withdrawn."""
    query = f"""
        SELECT id FROM tasks_pair p
        WHERE campaign_id = %(campaign)s AND {kept("p.image_id")} ORDER BY id
    """
    schema = pa.schema([("id", pa.int64())])
    return AskedPairs(
        to_numpy(copying.table(cursor, query, schema, {"campaign": campaign.pk})["id"])
    )


def write_results(
    cursor, run: Run, asked: AskedPairs, answers: Answers, *, everything: bool
) -> RunSummary:
    """Replace the results of all pairs and workers: any new answer changes every posterior."""
    answered = AnsweredAssignments.of(answers, "pair")
    judgments = StudyJudgments.of(answers, answered, asked)
    counts = count_answers(judgments, asked.pairs.size)
    fitted = fit_posteriors(
        judgments.worker,
        judgments.pair,
        judgments.answer,
        answered.workers.size,
        asked.pairs.size,
    )
    _write_pairs(cursor, run, asked, counts, fitted)
    keep_observed(cursor, run)
    write_workers(
        cursor,
        run,
        answered,
        agreement=_agreement_with_others(judgments, counts, answered.workers.size),
        control_accuracy=control_accuracy(answers, answered),
        **_skills(fitted),
    )
    replace_flags(
        run.campaign, answered.workers, judgments.worker, judgments.pair, judgments.answer
    )
    totals = answered.counts() | {"pairs": int(asked.pairs.size)}
    together = agreement_of_counts(
        counts.reshape(-1),
        np.repeat(np.arange(asked.pairs.size, dtype=np.int32), ANSWERS),
        np.tile(np.arange(ANSWERS, dtype=np.int8), asked.pairs.size),
    )
    return RunSummary(
        totals,
        together._asdict() if together.answers else None,
        _convergence(fitted) if judgments.pair.size else None,
    )


def count_answers(judgments: StudyJudgments, n_pairs: int) -> NDArray[np.int32]:
    """(n_pairs, ANSWERS): how often each answer was given."""
    counts = np.zeros(n_pairs * ANSWERS, np.int32)
    for block in judgments.blocks():
        slot = judgments.pair[block].astype(np.int64) * ANSWERS + judgments.answer[block]
        np.add.at(counts, slot, np.int32(1))  # with another type it is fifty times slower
    return counts.reshape(n_pairs, ANSWERS)


def _write_pairs(
    cursor, run: Run, asked: AskedPairs, counts: NDArray[np.int32], fitted: PairPosteriors
) -> None:
    with copying.avoiding(cursor, "nestloop"):
        cursor.execute(
            "DELETE FROM tasks_pairresult WHERE pair_id IN"
            " (SELECT id FROM tasks_pair WHERE campaign_id = %s)",
            [run.campaign_id],
        )
    for at in range(0, asked.pairs.size, BLOCK):
        part = slice(at, at + BLOCK)
        shown = counts[part].sum(axis=1)
        frequencies = frequencies_of_counts(counts[part, YES], counts[part, MAYBE], shown)
        columns = {
            "run_id": np.full(shown.size, run.pk),
            "pair_id": asked.pairs[part],
            "selected": frequencies.selected,
            "maybe": frequencies.maybe,
            "shown": frequencies.shown,
            "sf": frequencies.sf,
            "sf_low": frequencies.low,
            "sf_high": frequencies.high,
            "posterior": fitted.posterior[part],
        }
        copying.write(cursor, "tasks_pairresult", as_table(columns))


def _agreement_with_others(
    judgments: StudyJudgments, counts: NDArray[np.int32], n_workers: int
) -> NDArray[np.float64]:
    """Per worker: of their judgments with a consensus of others, the share in line (rule A4)."""
    verdict = np.empty(counts.shape, np.int8)
    for at in range(0, len(counts), BLOCK):
        part = counts[at : at + BLOCK]
        units = np.repeat(np.arange(len(part)), ANSWERS)
        verdict[at : at + BLOCK] = agrees_with_others(part.reshape(-1), units).reshape(part.shape)
    agreed, compared = np.zeros(n_workers, np.int64), np.zeros(n_workers, np.int64)
    for block in judgments.blocks():
        agrees = verdict[judgments.pair[block], judgments.answer[block]]
        agreed += np.bincount(judgments.worker[block][agrees == 1], minlength=n_workers)
        compared += np.bincount(judgments.worker[block][agrees >= 0], minlength=n_workers)
    return share(agreed, compared)


def _convergence(fitted: PairPosteriors) -> dict[str, Any]:
    return {"tau": fitted.tau, "mean": fitted.prior} | fitted.arrival._asdict()


def _skills(fitted: PairPosteriors) -> dict[str, NDArray[np.float64]]:
    """Shares of a worker's expected answers (rule A2); NaN where they are expected to have judged
    no such pair."""
    absent, present = fitted.counts
    negatives, positives = absent.sum(axis=1), present.sum(axis=1)
    rejected = negatives - absent[:, YES]
    return {
        "sensitivity": np.where(positives > 0.5, share(present[:, YES], positives), np.nan),
        "specificity": np.where(negatives > 0.5, share(rejected, negatives), np.nan),
    }
