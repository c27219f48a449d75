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
from annotation.report.scoring.people import scoring_files
from tests.studies.made_up_studies import LABELS, pictures, study_of

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
RANKS = {"rank", "rank_interval"}


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
        for rank, (label, score) in enumerate(zip(labels, scores, strict=True), 1):
            if label >= 0:
                rows.append(f"{image},{rank},{study.labels[label]},{score}")
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


def test_it_gives_the_reports_numbers(study, folder):
    report = json.loads(json.dumps(figures_of(study)))
    for model in study.models:
        file = written(study, model, folder)
        done = run(folder, file)
        assert done.returncode == 0, done.stderr
        assert "images have no prediction" in done.stderr
        scores = json.loads(file.with_name(f"{model}-scores.json").read_text())["figures"]
        assert set(scores) == set(IN_REPORT)
        compared = 0
        for name, found in scores.items():
            if name not in report:
                continue
            for pointer, value in leaves(found["data"]):
                _, key, *rest = pointer.split("/")
                place = IN_REPORT[name].format(model=model, key=key).split("/")
                if "{key}" not in IN_REPORT[name]:
                    rest = [key, *rest]
                theirs = "/".join(["", *place, *rest])
                expected = report[name]
                assert same(value, look_up(expected["data"], theirs)), (name, pointer)
                for kind in ("intervals", "without_interval"):
                    ours, wanted = (
                        each.get(at)
                        for each, at in ((found[kind], pointer), (expected[kind], theirs))
                    )
                    assert same(ours, wanted), (name, pointer, kind)
                    compared += kind == "intervals" and wanted is not None
        assert compared > 40


def leaves(data, pointer=""):
    if isinstance(data, dict):
        for key, each in data.items():
            yield from leaves(each, f"{pointer}/{key}")
    else:
        yield pointer, data


def look_up(data, pointer):
    for key in pointer.strip("/").split("/"):
        data = data[key]
    return data


def same(ours, theirs) -> bool:
    if ours is None or isinstance(ours, str):
        return ours == theirs
    return theirs is not None and np.allclose(ours, theirs, rtol=0, atol=1e-9)
