"""README's "Your own images", command by command, on a folder as a newcomer has it."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from imagesets.models import Image
from tasks.models import Assignment
from tests.studies.drawn_pictures import jpeg
from tests.studies.visitors import answer_one, begin, is_at_work

README = Path(__file__).resolve().parents[1] / "README.md"
PICTURES = {"cups/1.jpg": "cup", "cups/2.jpg": "cup", "bowls/1.jpg": "bowl", "3.jpg": "spoon"}


def section() -> str:
    return re.search(r"^## Your own images\n(.*?)^## ", README.read_text(), re.M | re.S)[1]


def commands() -> list[list[str]]:
    """The section's commands, as a shell parts them."""
    blocks = "".join(re.findall(r"^```\n(.*?)^```", section(), re.M | re.S))
    lines = [shlex.split(line, comments=True) for line in blocks.splitlines()]
    assert all(line[:2] == ["python", "manage.py"] for line in lines)
    return [line[2:] for line in lines]


def in_code(start: str) -> str:
    """The code in the section that begins so."""
    return next(code for code in re.findall(r"`([^`]+)`", section()) if code.startswith(start))


@pytest.fixture
def folder(tmp_path, monkeypatch, settings) -> Path:
    """Pictures with labels of one's own, and the files that the section shows."""
    settings.DATA_DIR = tmp_path / "data"
    for number, name in enumerate(PICTURES):
        picture = tmp_path / "pictures" / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(jpeg(number))
    rows = "".join(f"{name},{label}\n" for name, label in PICTURES.items())
    (tmp_path / "labels.csv").write_text(f"{in_code('image,label')}\n{rows}")
    assert in_code("cups/1.jpg,cup") + "\n" in rows
    ranks = "".join(f"{name},1,bowl,0.71\n{name},2,cup,0.22\n" for name in PICTURES)
    (tmp_path / "predictions.csv").write_text(f"{in_code('image,rank')}\n{ranks}")
    assert in_code("cups/1.jpg,1") + "\n" in ranks
    (tmp_path / "contains.json").write_text(in_code("{"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.django_db(transaction=True)  # exports read by a connection of their own
def test_the_commands_end_with_peoples_answers(folder, capsys):
    typed = commands()
    assert typed.count(["up"]) == 1
    before, after = typed[: typed.index(["up"])], typed[typed.index(["up"]) + 1 :]
    for command in before:
        call_command(*command)
    link = r"^http://127\.0\.0\.1:8000(/tasks/\S+\?invitation=\S+)$"
    links = re.findall(link, capsys.readouterr().out, re.M)
    assert len(links) == int(before[-1][before[-1].index("--count") + 1])
    for link in links:  # the site runs: here, in this process
        person = Client()
        where = begin(link, person)
        assert is_at_work(where), where.content.decode()
        while is_at_work(where):
            where = answer_one(person, where)
        assert "Thank" in person.get(where["Location"]).content.decode()
    assert Assignment.objects.filter(submitted_at__isnull=False).count() >= len(links)
    for command in after:
        call_command(*command)
    lines = (folder / "frequencies.csv").read_text().splitlines()
    pairs = {(name, label) for name, own in PICTURES.items() for label in (own, "bowl", "cup")}
    assert len(lines) - 1 == len(pairs)
    assert all(f",{len(links)}," in line for line in lines[1:])
    assert Image.objects.exclude(dataset_label=None).count() == len(PICTURES)
