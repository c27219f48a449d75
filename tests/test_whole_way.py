"""A whole study on photographs, command line by command line, in this process."""

import csv
import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from django.db import connection

from annotation.serving.command_line import run
from annotation.serving.web import announced
from tests.studies.photographs import PHOTOS, needs_photographs, wordnet_ids

EVERY = 3  # of the photographs: each costs six classifiers' time


class Terminal:
    """Runs command lines and reads what they print."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capfd = folder, capfd

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """Run a command to its end and return what it printed, or its error."""
        assert run(["manage.py", *map(str, arguments)]) == code
        said = self.capfd.readouterr()
        return said.err if code else said.out

    def export(self, campaign: str, table: str) -> list[dict[str, str]]:
        return list(csv.DictReader(self.run("export", campaign, table).splitlines()))

    def write(self, name: str, campaign: dict) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(campaign))
        return path


@pytest.fixture
def machine(live_server, tmp_path, capfd):
    with announced(live_server.url):  # the site that the simulated workers visit
        yield Terminal(tmp_path, capfd)


@needs_photographs
def test_the_whole_way_on_photographs(machine: Terminal):
    truth = dict(sorted(wordnet_ids().items())[::EVERY])
    images = machine.folder / "images"
    images.mkdir()
    for name in truth:
        shutil.copy(PHOTOS / "images" / name, images)
    rows = "".join(f"{name},{key}\n" for name, key in truth.items())
    labels = machine.folder / "labels.csv"
    labels.write_text(f"image,label\n{rows}")
    machine.run("import_dataset", "imagenet-sample", "--images", images, "--labels", labels)
    machine.run("predict", "imagenet-sample")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.name, avg((p.labels[1] = i.dataset_label_id)::int)::float8
            FROM models_inference_prediction p
            JOIN models_inference_classifier c ON c.id = p.classifier_id
            JOIN imagesets_image i ON i.id = p.image_id GROUP BY c.name
            """
        )
        top1 = cursor.fetchall()
    native = {name: accuracy for name, accuracy in top1 if "@" not in name}
    assert len(native) == 3
    assert min(native.values()) > 0.8, native
    dataset = {"dataset": "imagenet-sample", "workers_per_item": 3, "round_size": 3}
    machine.run(
        "create_campaign",
        machine.write("contains.json", {**dataset, "name": "Contains", "kind": "contains"}),
    )
    machine.run("publish", "contains")
    machine.run("simulate", "contains", "--workers", "4", "--seed", "1")
    machine.run("aggregate", "contains")

    frequencies = machine.export("contains", "selection_frequencies")
    by_image = defaultdict(dict)
    for row in frequencies:
        by_image[row["image"]][row["label"]] = row
    asked = {row["label"] for row in frequencies}
    assert len(by_image) == len(truth) == 21
    assert 200 < len(frequencies) < 285
    assert 140 < len(asked) < 250
    for image, rows in by_image.items():
        assert {row["dataset_label"] for row in rows.values()} == {truth[image]}
        assert truth[image] in rows
    assert {row["shown"] for row in frequencies} == {"3"}
    selected = sum(float(rows[truth[image]]["sf"]) for image, rows in by_image.items()) / len(
        by_image
    )
    assert selected > 0.55  # the simulated workers take the dataset label for the truth
    others = [
        float(row["sf"])
        for image, rows in by_image.items()
        for label, row in rows.items()
        if label != truth[image]
    ]
    assert sum(others) / len(others) < 0.25

    judgments = machine.export("contains", "judgments")
    tiles = Counter(row["assignment"] for row in judgments)
    assert max(tiles.values()) <= 48
    controls = Counter(row["assignment"] for row in judgments if row["control"] == "true")
    wanted = {key: round(0.1 * number) for key, number in tiles.items()}
    assert all(controls[key] <= number for key, number in wanted.items())
    assert sum(controls.values()) > 0.9 * sum(wanted.values())  # as far as they exist (rule K1)
    assert len(judgments) - controls.total() == 3 * len(frequencies)
    hits = {row["hit"] for row in judgments}
    assert len(asked) / 8 <= len(hits) < 80  # several sections a HIT: at most 8
    sections = Counter(
        row["hit"] for row in {(r["hit"], r["label"]): r for r in judgments}.values()
    )
    assert max(sections.values()) <= 8
    assert len({(row["worker"], row["image"], row["label"]) for row in judgments}) == len(judgments)

    machine.run(
        "create_campaign",
        machine.write(
            "classify.json",
            {
                **dataset,
                "name": "Classify",
                "kind": "classify",
                "source": "contains",
                "follow_up": "all",
            },
        ),
    )
    machine.run("publish", "classify")
    machine.run("simulate", "classify", "--workers", "4", "--seed", "1")
    machine.run("aggregate", "classify")
    annotations = {row["image"]: row for row in machine.export("classify", "annotations")}
    assert len(annotations) == len(truth)
    right = sum(row["main_label"] == truth[image] for image, row in annotations.items())
    assert right > 0.7 * len(truth)

    # Too few workers: exit code 1, and how many more are needed.
    machine.run(
        "create_campaign",
        machine.write(
            "few.json",
            {
                "name": "Few",
                "dataset": "imagenet-sample",
                "kind": "contains",
                "images": {"per_label": 1},
                "workers_per_item": 3,
                "candidates": {"k": 1},
            },
        ),
    )
    machine.run("publish", "few")
    error = machine.run("simulate", "few", "--workers", "2", code=1)
    assert "1 more worker" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import_dataset", "x", "--images", "/nowhere"], ["/nowhere"]),
        (["publish", "nothing"], ["nothing"]),
        (["create_campaign", "/nowhere.json"], ["/nowhere.json"]),
        (["export", "nothing", "judgments"], ["nothing"]),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_bad_input_is_one_line_and_exit_1(capfd, arguments, words):
    assert run(["manage.py", *arguments]) == 1
    error = capfd.readouterr().err
    assert len(error.strip().splitlines()) == 1
    for word in words:
        assert word in error


@pytest.mark.parametrize("arguments", [["publish"], ["simulate", "x", "--workers", "many"]])
@pytest.mark.django_db(transaction=True)
def test_wrong_usage_is_exit_2(capfd, arguments):
    assert run(["manage.py", *arguments]) == 2
    assert "usage: manage.py" in capfd.readouterr().err
