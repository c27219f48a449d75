"""The direction of imports, and that migrations say what the models say."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

from annotation.serving.embedded.ownership import SITES
from tasks.crowds import CROWDS, crowd_named

ROOT = Path(__file__).resolve().parents[1]


def test_imports_go_one_way():
    program = shutil.which("lint-imports", path=Path(sys.executable).parent)
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert f"{len(contracts['contracts'])} kept, 0 broken" in done.stdout


def imported_modules(source: str) -> set[str]:
    """Every module that the source may import, by its absolute name."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "tests import by absolute names"
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def test_no_test_is_imported_by_another_and_no_conftest_by_anybody():
    """What several tests need stands in tests/factories.py and tests/studies/."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    for file in files:
        ours = {name for name in imported_modules(file.read_text()) if name.startswith("tests.")}
        wrong = {name for name in ours if re.search(r"\.(conftest|test_\w+)\b", name)}
        assert not wrong, file


# Where a marketplace may be named; CROWDS lists the folders.
NAMES_A_MARKETPLACE = (
    *("tasks/crowds/__init__.py", "tasks/simulation/rehearsal/", "tasks/responses/"),
    *(
        "tasks/management/commands/import_responses.py",
        "annotation/management/commands/rehearse.py",
    ),
    *("tasks/models/crowd_settings.py", "tasks/models/crowd_setting_groups.py"),
    *("annotation/settings.py", "annotation/serving/variables.py"),
)
OTHER_NAMES = {"mturk": "mechanical ?turk"}


def test_only_its_own_folder_names_a_marketplace():
    """And the rehearsal, importers of its files and the declaration of settings."""
    rooms = ("imagesets", "models_inference", "tasks", "annotation", "templates", "static")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.*") if _is_ours(file)]
    assert len(files) > 400
    for crowd in (name for name in CROWDS if crowd_named(name).marketplace):
        named = re.compile(f"{crowd}|{OTHER_NAMES.get(crowd, crowd)}", re.IGNORECASE)
        allowed = (*NAMES_A_MARKETPLACE, f"tasks/crowds/{crowd}/")
        wrong = [
            path
            for file in files
            if not (path := str(file.relative_to(ROOT))).startswith(allowed)
            and named.search(file.read_text())
        ]
        assert not wrong, crowd


def _is_ours(file: Path) -> bool:
    return file.suffix in (".py", ".html", ".js", ".css", ".txt") and "migrations" not in file.parts


def test_the_site_owns_each_folder_of_data_dir_that_it_writes():
    """Run by root, web and workers can make no first folder of their own."""
    named = set()
    for app in ("imagesets", "models_inference", "tasks"):
        for module in (ROOT / app).rglob("*.py"):
            named |= set(re.findall(r'DATA_DIR\)? / "(\w+)"', module.read_text()))
    assert {"trials", "uploads"} <= named <= set(SITES)


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True)


def test_the_lock_pins_everything_exactly_and_without_hashes():
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r "))
    ]
    assert len(lines) > 100
    for line in lines:
        pinned = re.fullmatch(r"([A-Za-z0-9_.-]+)==([A-Za-z0-9_.]+)( ; python_.*)?", line)
        assert pinned, line
        if pinned[3] is None:
            assert importlib.metadata.version(pinned[1]).split("+")[0] == pinned[2]
