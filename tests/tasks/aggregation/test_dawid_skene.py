"""Dawid-Skene by crowd-kit's calling convention: the same numbers, from any kind of table."""

import subprocess
import sys
import warnings

import crowdkit.aggregation as peers
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.aggregation import DawidSkene, MajorityVote, OneCoinDawidSkene, krippendorff_alpha

pytestmark = pytest.mark.filterwarnings("ignore:The (inplace|copy) keyword:DeprecationWarning")

SHAPES = {
    "binary": {"tasks": 300, "workers": 20, "labels": 2, "judgments": 2000},
    "three answers": {"tasks": 400, "workers": 30, "labels": 3, "judgments": 3000},
    "seven answers": {"tasks": 150, "workers": 10, "labels": 7, "judgments": 1000},
    "one or two judgments per task": {"tasks": 200, "workers": 30, "labels": 2, "judgments": 300},
    "more workers than tasks": {"tasks": 30, "workers": 200, "labels": 4, "judgments": 900},
    "tiny": {"tasks": 4, "workers": 3, "labels": 2, "judgments": 9},
}


def random_votes(seed, tasks, workers, labels, judgments, least_skill=0.2):
    rng = np.random.default_rng(seed)
    votes = pd.DataFrame(
        {"task": rng.integers(0, tasks, judgments), "worker": rng.integers(0, workers, judgments)}
    ).drop_duplicates(ignore_index=True)
    truth = rng.integers(0, labels, tasks)
    skill = rng.uniform(least_skill, 1, workers)
    right = rng.random(len(votes)) < skill[votes["worker"]]
    votes["label"] = np.where(right, truth[votes["task"]], rng.integers(0, labels, len(votes)))
    return votes


def assert_same(ours, theirs, within=1e-6):
    assert set(ours.index) == set(theirs.index)
    assert set(ours.columns) == set(theirs.columns)
    expected = theirs.loc[ours.index, ours.columns].to_numpy()
    np.testing.assert_allclose(ours.to_numpy(), expected, rtol=0, atol=within)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("settings", [(40, 1e-5), (10, 0), (1, 1e-5), (0, 1e-5)], ids=str)
def test_it_gives_crowd_kits_numbers(shape, settings):
    votes = random_votes(len(shape) + settings[0], **shape)
    ours, theirs = DawidSkene(*settings).fit(votes), peers.DawidSkene(*settings).fit(votes)
    within = {"check_like": True, "check_column_type": False, "rtol": 0, "atol": 1e-6}
    pd.testing.assert_frame_equal(ours.probas_, theirs.probas_, **within)
    pd.testing.assert_frame_equal(ours.errors_, theirs.errors_, **within)
    pd.testing.assert_series_equal(ours.priors_, theirs.priors_, check_like=True, atol=1e-6)
    assert (ours.labels_.name, ours.labels_.dtype) == (theirs.labels_.name, theirs.labels_.dtype)
    assert ours.labels_.index.equals(theirs.labels_.index)
    shared = min(len(ours.loss_history_), len(theirs.loss_history_))
    np.testing.assert_allclose(
        ours.loss_history_[:shared], theirs.loss_history_[:shared], rtol=0, atol=1e-9
    )
    if settings[1]:
        assert len(ours.loss_history_) == len(theirs.loss_history_)


@pytest.mark.parametrize("shape", list(SHAPES.values())[:4], ids=list(SHAPES)[:4])
def test_the_one_coin_model_gives_crowd_kits_numbers(shape):
    votes = random_votes(1, **shape)
    ours, theirs = OneCoinDawidSkene(50).fit(votes), peers.OneCoinDawidSkene(50).fit(votes)
    assert_same(ours.probas_, theirs.probas_)
    np.testing.assert_allclose(ours.skills_[theirs.skills_.index], theirs.skills_, atol=1e-6)
    assert len(ours.loss_history_) == len(theirs.loss_history_)


def test_known_labels_give_crowd_kits_numbers():
    votes = random_votes(2, **SHAPES["three answers"])
    known = pd.Series({task: int(task) % 3 for task in votes["task"].unique()[:40]})
    ours = DawidSkene(30).fit(votes, true_labels=known)
    theirs = peers.DawidSkene(30).fit(votes, true_labels=known)
    assert_same(ours.probas_, theirs.probas_)
    assert (ours.labels_[known.index] == known).all()


def test_tasks_come_as_they_first_appear_and_labels_ascending():
    votes = {"task": ["b", "a", "b"], "worker": [1, 1, 2], "label": ["y", "x", "y"]}
    model = DawidSkene().fit(votes)
    assert model.probas_.index.tolist() == ["b", "a"]
    assert model.probas_.columns.tolist() == ["x", "y"]
    assert model.labels_.to_dict() == {"b": "y", "a": "x"}
    assert model.probas_.dtypes.tolist() == [np.float64, np.float64]


def test_fit_predict_and_proba_return_what_fit_keeps():
    votes = random_votes(3, **SHAPES["binary"])
    model = DawidSkene(5)
    labels = model.fit_predict(votes)
    assert labels is model.labels_
    assert model.fit_predict_proba(votes) is model.probas_
    assert (labels == model.probas_.idxmax(axis=1)).all()


def test_no_tolerance_runs_all_iterations():
    votes = random_votes(4, **SHAPES["binary"])
    model = DawidSkene(60, tol=None).fit(votes)
    assert len(model.loss_history_) == 60
    assert not model.convergence_.converged
    stopped = DawidSkene(60, tol=1e-3).fit(votes).convergence_
    assert stopped.converged
    assert stopped.iterations == len(stopped.history) < 60
    assert stopped.loss == stopped.history[-1]
    assert stopped.history[-1] - stopped.history[-2] < 1e-3


def tables():
    frame = pd.DataFrame(
        {
            "task": ["b", "b", "a", "a", "c", "c"],
            "worker": [1, 2, 1, 2, 1, 3],
            "label": ["x", "y", "y", "y", "x", "x"],
        }
    )
    columns = {name: frame[name].tolist() for name in frame}
    arrow = pa.table(columns)
    kinds = [("task", "U1"), ("worker", "i4"), ("label", "U1")]
    return {
        "frame": frame,
        "more columns": frame.assign(seconds=1.5),
        "object": frame.astype(object),
        "category": frame.astype("category"),
        "string": frame.astype({"task": "string", "label": "string", "worker": "Int64"}),
        "arrow frame": frame.convert_dtypes(dtype_backend="pyarrow"),
        "arrow": arrow,
        "arrow in chunks": pa.concat_tables([arrow[:2], arrow[2:]]),
        "arrow dictionary": pa.Table.from_pandas(frame.astype("category")),
        "mapping of lists": columns,
        "mapping of arrays": {name: np.array(column) for name, column in columns.items()},
        "structured": np.array(list(zip(*columns.values(), strict=True)), kinds),
    }


@pytest.mark.parametrize("kind", tables())
def test_every_kind_of_table_gives_the_same(kind):
    expected = DawidSkene().fit(tables()["frame"])
    model = DawidSkene().fit(tables()[kind])
    assert_same(model.probas_, expected.probas_, within=0)
    assert_same(model.errors_, expected.errors_, within=0)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 1], [True, False, False], [-5, 10**12, 10**12], [2**63, 1, 1], [0.5, 1.5, 1.5]],
    ids=str,
)
def test_labels_of_any_type_come_back_as_they_were(values):
    labels = np.array(values)
    votes = {"task": [1, 2, 3], "worker": [1, 1, 1], "label": labels}
    decided = DawidSkene().fit_predict(votes)
    assert decided.tolist() == labels.tolist()
    assert MajorityVote().fit_predict(votes).tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"task": [1], "worker": [1]}, "no column label"),
        (pa.table({"task": [1], "label": [1]}), "no column worker"),
        ({"task": [1, 2], "worker": [1, 1], "label": [0]}, "same length"),
        (pd.DataFrame({"task": [1, 2], "worker": 1, "label": ["x", None]}), "label has missing"),
        (pa.table({"task": [1, None], "worker": [1, 1], "label": [1, 1]}), "task has missing"),
        ({"task": [1.0, np.nan], "worker": [1, 1], "label": [1, 1]}, "task has missing"),
    ],
)
def test_bad_tables_are_refused(table, complaint):
    with pytest.raises(ValueError, match=complaint):
        DawidSkene().fit(table)


def test_an_unknown_true_label_is_refused():
    votes = {"task": [1], "worker": [1], "label": ["x"]}
    with pytest.raises(ValueError, match="'z' is not among the answers"):
        DawidSkene().fit(votes, true_labels={1: "z"})


DEGENERATE = {
    "no judgments": ([], [], []),
    "one judgment": ([7], [1], ["x"]),
    "one worker": ([1, 2, 3], [1, 1, 1], ["x", "y", "x"]),
    "all equal": ([1, 1, 2, 2], [1, 2, 1, 2], ["x", "x", "x", "x"]),
    "a worker with one judgment": ([1, 1, 2, 2, 1], [1, 2, 1, 2, 3], ["x", "x", "y", "y", "y"]),
    "nobody agrees": ([1, 1, 1], [1, 2, 3], ["x", "y", "z"]),
}


@pytest.mark.parametrize("case", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("model", [DawidSkene, OneCoinDawidSkene, MajorityVote])
def test_degenerate_tables_have_results_without_nan_or_warning(case, model):
    votes = dict(zip(("task", "worker", "label"), case, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = model().fit(votes)
        alpha = krippendorff_alpha(votes)
    assert len(fitted.probas_) == len(set(case[0]))
    assert np.isfinite(fitted.probas_.to_numpy()).all()
    np.testing.assert_allclose(fitted.probas_.sum(axis=1), 1, atol=1e-8)
    assert fitted.labels_.isin(list("xyz")).all()
    assert np.isfinite(alpha)


def test_one_worker_is_believed():
    votes = {"task": [1, 2, 3], "worker": [1, 1, 1], "label": ["x", "y", "x"]}
    model = DawidSkene().fit(votes)
    assert model.labels_.tolist() == ["x", "y", "x"]
    assert model.probas_.loc[1, "x"] == pytest.approx(1)


def test_smoothing_keeps_a_worker_with_one_judgment_from_certainty():
    votes = random_votes(5, **SHAPES["binary"])
    votes.loc[len(votes)] = [votes["task"][0], 99, 1]
    plain = DawidSkene().fit(votes).errors_
    smooth = DawidSkene(smoothing=1.0).fit(votes).errors_
    assert plain.loc[99].shape[0] == 1
    assert smooth.loc[99].shape[0] == 2
    assert smooth.loc[(99, 1)].max() < 0.7
    np.testing.assert_allclose(smooth.groupby("worker").sum(), 1)


def test_worker_priors_turn_a_contrary_worker_round():
    votes = {"task": [1, 1, 2, 2], "worker": ["a", "b"] * 2, "label": [0, 1, 1, 0]}
    trust_a = {"a": [[90, 10], [10, 90]], "b": [[10, 90], [90, 10]]}
    trust_b = {"b": trust_a["a"], "a": trust_a["b"]}
    assert DawidSkene(worker_priors=trust_a).fit_predict(votes).tolist() == [0, 1]
    assert DawidSkene(worker_priors=trust_b).fit_predict(votes).tolist() == [1, 0]


def test_worker_priors_for_all_workers_and_of_a_wrong_shape():
    votes = random_votes(6, **SHAPES["binary"])
    common = DawidSkene(worker_priors=np.array([[3, 1], [1, 3]])).fit(votes)
    each = DawidSkene(
        worker_priors={worker: [[3, 1], [1, 3]] for worker in votes["worker"].unique()}
    ).fit(votes)
    assert_same(common.probas_, each.probas_, within=1e-12)
    with pytest.raises(ValueError, match="worker_priors must be counts"):
        DawidSkene(worker_priors=np.ones((3, 3))).fit(votes)
    with pytest.raises(ValueError, match="must not be negative"):
        DawidSkene(smoothing=-1).fit(votes)


def test_integers_need_neither_pandas_nor_numba_before_the_results():
    code = (
        "import sys; from tasks.aggregation import fit_posteriors as fit, nominal_alpha\n"
        "fit([0, 1], [0, 0], [1, 0], 2, 1); nominal_alpha([0, 0], [1, 1], 1, 2)\n"
        "print([name for name in ('pandas', 'numba', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("labels", [2, 3])
def test_majority_vote_gives_crowd_kits_shares(labels):
    votes = random_votes(7, 100, 12, labels, 700)
    ours, theirs = MajorityVote().fit(votes), peers.MajorityVote().fit(votes)
    assert_same(ours.probas_, theirs.probas_, within=1e-12)
    clear = ours.probas_.apply(lambda row: (row == row.max()).sum() == 1, axis=1)
    assert clear.sum() > 50
    assert (ours.labels_[clear] == theirs.labels_[ours.labels_.index][clear]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"on_missing_skill": "ignore"},
        {"on_missing_skill": "value", "default_skill": 0.3},
        {"default_skill": 0.3, "on_missing_skill": "error"},
        {"on_missing_skill": "value"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("unknown", [[], [3, 5], list(range(12))])
def test_workers_without_a_weight_are_taken_as_crowd_kit_does(options, unknown):
    votes = random_votes(8, 60, 12, 3, 500)
    skills = pd.Series(np.random.default_rng(1).uniform(0.2, 2, 12), index=range(12))
    skills.index = sorted(votes["worker"].unique())
    skills = skills.drop(skills.index[unknown[:-1]])
    if unknown and len(unknown) < 12:
        skills[sorted(votes["worker"].unique())[unknown[-1]]] = np.nan
    try:
        theirs = peers.MajorityVote(**options).fit(votes, skills)
    except ValueError:
        with pytest.raises(ValueError, match=r"skill|weight"):
            MajorityVote(**options).fit(votes, skills)
        return
    ours = MajorityVote(**options).fit(votes, skills)
    assert_same(ours.probas_, theirs.probas_, within=1e-12)
    np.testing.assert_allclose(ours.skills_, theirs.skills_.loc[ours.skills_.index])
    assert (ours.labels_ == theirs.labels_[ours.labels_.index]).all()  # weights leave no ties


def test_majority_ties_go_to_the_smallest_label_and_weights_count():
    votes = {"task": [1, 1], "worker": ["a", "b"], "label": ["y", "x"]}
    assert MajorityVote().fit_predict(votes)[1] == "x"
    assert MajorityVote().fit_predict(votes, skills={"a": 2.0, "b": 1.0})[1] == "y"
    assert MajorityVote().fit(votes).skills_.to_dict() == {"a": 0.0, "b": 1.0}
    with pytest.raises(ValueError, match="the first is b"):
        MajorityVote().fit(votes, skills={"a": 1.0})
