"""score.py, run by a bare Python with NumPy alone, gives the report's numbers."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotation.report.arrays import Predictions, Study
from annotation.report.document import figures_of
from annotation.report.scoring import score
from annotation.report.scoring.people import scoring_files
from tests.studies.made_up_studies import LABELS, at, pictures, study_of

# Where a classifier's numbers stand in the report, by figure and by key of what score.py writes.
IN_REPORT = {
    "R3": "models/{model}",
    "R4": "{key}/{model}",
    "R6": "models/{model}",
    "R10": "models/{model}",
    "R11": "models/{model}",
    "R12": "{key}/{model}",
    "B1": "models/{model}",
}


def a_study(seed: int = 1, images: int = 60) -> Study:
    """A made-up study of more workers, whose models name up to three labels an image.

    It has posteriors, an image whose labels were not parted, and pairs that were asked later.
    """
    rng = np.random.default_rng(seed)
    made = pictures(seed, images)
    later = [replace(each, pairs={a: s for a, s in each.pairs.items() if a > "d"}) for each in made]
    made = [replace(each, pairs={a: s for a, s in each.pairs.items() if a <= "d"}) for each in made]
    study = study_of(made)
    contains = study.frequencies
    unparted = study.responses.parted.unparted.copy()
    unparted[study.responses.image[0]] = True
    models = {}
    for name, model in study.models.items():
        labels = np.full((study.n, 3), -1)
        for image, top in enumerate(model.top.tolist()):
            if top >= 0:
                others = rng.permutation([n for n in range(len(LABELS)) if n != top])
                labels[image] = [top, *others[:2]]
        models[name] = Predictions(labels, np.where(labels >= 0, [[0.5, 0.3, 0.2]], np.nan))
    return replace(
        study,
        contains=replace(contains, posterior=rng.random(contains.image.size)),
        models=models,
        added={"later": study_of(later).frequencies},
    )


def written(study: Study, model: str, folder: Path) -> Path:
    """The model's predictions as a CSV in the folder, with an image that is not the study's."""
    rows = ["image,rank,label,score", "elsewhere.jpg,1,a,1.0"]
    found = study.models[model]
    for image, labels, scores in zip(study.images, found.labels, found.scores, strict=True):
        for rank, (label, given) in enumerate(zip(labels, scores, strict=True), 1):
            if label >= 0:
                rows.append(f"{image},{rank},{study.labels[label]},{given}")
    file = folder / f"{model}.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


@pytest.fixture(scope="module")
def study() -> Study:
    return a_study()


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory) -> Path:
    """A folder with score.py and score.npz."""
    path = tmp_path_factory.mktemp("report")
    for name, content in scoring_files(study, ["elsewhere.jpg"]):
        (path / name).write_bytes(content)
    return path


def run(folder: Path, file: Path) -> subprocess.CompletedProcess:
    """It sees no module but NumPy's and the standard library's."""
    alone = f"""
import sys, runpy
import numpy
class Only:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in {{"scipy", "pandas", "django", "annotation", "tasks"}}:
            raise ImportError(name)
sys.meta_path.insert(0, Only())
sys.argv = ["score.py", {str(file)!r}]
runpy.run_path({str(folder / "score.py")!r}, run_name="__main__")
"""
    return subprocess.run(
        [sys.executable, "-I", "-c", alone], cwd=folder, capture_output=True, text=True, timeout=60
    )


def compared(report: dict, model: str, figures: dict) -> int:
    """How many intervals score.py gives as the report does; fails where anything differs."""
    intervals = 0
    for name, found in figures.items():
        if name not in report:
            continue
        expected = report[name]
        for pointer, value in leaves(found["data"]):
            _, key, *rest = pointer.split("/")
            place = IN_REPORT[name].format(model=model, key=key)
            rest = rest if "{key}" in IN_REPORT[name] else [key, *rest]
            theirs = "/".join(["", place, *rest])
            assert same(value, at(expected["data"], theirs)), (name, pointer)
            for kind in ("intervals", "without_interval"):
                ours, wanted = found[kind].get(pointer), expected[kind].get(theirs)
                assert same(ours, wanted), (name, pointer, kind)
                intervals += kind == "intervals" and wanted is not None
    return intervals


def leaves(data, pointer=""):
    if isinstance(data, dict):
        for key, each in data.items():
            yield from leaves(each, f"{pointer}/{key}")
    else:
        yield pointer, data


def same(ours, theirs) -> bool:
    if ours is None or isinstance(ours, str):
        return ours == theirs
    return theirs is not None and np.allclose(ours, theirs, rtol=0, atol=1e-9)


def scored(folder: Path, file: Path) -> dict:
    """The figures of a file of predictions, without another process."""
    people = score.People(folder / "score.npz")
    found = score.score(people, score.read_predictions(file, people))
    return {name: score.plain(data) for name, data in found.items()}


def test_run_alone_it_gives_the_reports_numbers(study, folder):
    report = json.loads(json.dumps(figures_of(study)))
    file = written(study, "first", folder)
    done = run(folder, file)
    assert done.returncode == 0, done.stderr
    unpredicted = (study.models["first"].top < 0).sum()
    assert f"{unpredicted} of the study's 60 images have no prediction" in done.stderr
    figures = json.loads((folder / "first-scores.json").read_text())["figures"]
    assert figures.keys() == IN_REPORT.keys()
    assert compared(report, "first", figures) > 30
    low, high = figures["R3"]["intervals"]["/all"]
    assert f"({low:.4f} to {high:.4f})" in done.stdout
    assert compared(report, "second", scored(folder, written(study, "second", folder))) > 30


@pytest.mark.parametrize("missing", ["contains", "classify"])
def test_a_study_of_one_campaign(study, tmp_path, missing):
    part = replace(study, **{missing: None}, added={})
    for name, content in scoring_files(part, ["elsewhere.jpg"]):
        (tmp_path / name).write_bytes(content)
    figures = scored(tmp_path, written(part, "first", tmp_path))
    assert compared(json.loads(json.dumps(figures_of(part))), "first", figures) > 1
    assert ("R10" in figures) == (missing == "classify")


def test_logits_count_as_the_studys_own_do(study, folder, tmp_path):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(study.n, len(LABELS) + 1)).astype(np.float32)
    ours = logits[:, 1:]  # the first class is no label of the study
    order = np.argsort(-ours, axis=1)
    model = Predictions(order, np.sort(ours)[:, ::-1], ours.astype(np.float16))
    classes = np.array(["nothing", *LABELS])
    np.savez(tmp_path / "new.npz", logits=logits, images=np.array(study.images), classes=classes)
    report = json.loads(json.dumps(figures_of(replace(study, models={"new": model}))))
    figures = scored(folder, tmp_path / "new.npz")
    assert compared(report, "new", figures) > 30
    np.savez(tmp_path / "plain.npz", logits=logits, images=np.array(study.images, "S"))
    with pytest.raises(score.Bad, match="it needs an array classes"):
        scored(folder, tmp_path / "plain.npz")
    for name, content in scoring_files(study, [], {len(classes): classes.tolist()}):
        (tmp_path / name).write_bytes(content)
    assert scored(tmp_path, tmp_path / "plain.npz") == figures


HEADER = "image,rank,label,score\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEADER + "00,1,a,.9\nxx,1,a,.9\nyy,1,a,.9\n",
            ["row 3: the study has no image 'xx' (and 1"],
        ),
        (HEADER + "00,1,z,.9\n", ["row 2: the study has no label 'z'"]),
        (HEADER + "00,1,a,.9\n00,1,b,.8\n", ["row 3: '00' has rank 1 already in row 2"]),
        (HEADER + "00,1,a,.9\n00,2,a,.8\n", ["row 3: '00' has label 'a' already"]),
        (HEADER + "00,1,a,.9\n00,3,b,.8\n", ["row 3: the ranks of '00' are not 1, 2, 3"]),
        (HEADER + "00,1,a,.7\n00,2,b,.8\n", ["row 3: the scores of '00' rise"]),
        (HEADER + "00,1,a,high\n", ["row 2: rank '1' or its score is no number"]),
        (HEADER + "00,1,a,nan\n", ["row 2: score 'nan' is no number"]),
        (HEADER + "xx,1,a,1\n00,1,z,1\n", ["no image 'xx'", "no label 'z'"]),
        (HEADER + "00\n", ["row 2: the study has no label None"]),
        (HEADER, ["it has no predictions"]),
        ("picture,label\n00,a\n", ["it needs one column image; it has picture, label"]),
        ("", ["it needs one column image"]),
    ],
)
def test_bad_predictions_get_a_line_each(folder, tmp_path, text, said):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(score.Bad) as bad:
        scored(folder, file)
    lines = str(bad.value).split("\n")
    assert len(lines) == len(said)
    for line, part in zip(lines, said, strict=True):
        assert line.startswith(str(file))
        assert part in line


def test_rows_without_ranks_count_in_their_order(folder, tmp_path):
    people = score.People(folder / "score.npz")
    file = tmp_path / "plain.csv"
    file.write_text("Label,Image\nb,00\na,00\nc,01\n")
    labels = score.read_predictions(file, people).labels
    assert labels[:3, :2].tolist() == [[1, 0], [2, -1], [-1, -1]]
