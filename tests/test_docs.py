"""The documents hold against the code: rules that are cited exist, and so do the names in them."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "docs" / "rules.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ID = r"[A-Z]\d+"
DEFINED = re.compile(rf"^- \*\*({ID})\b", re.M)
CITED = re.compile(rf"\brules?\s+({ID}(?:(?:,\s+|\s+(?:to|and)\s+|,\s+and\s+)(?:{ID}))*)")
UNNUMBERED = re.compile(r"\bSCIENCE\b|\brules?\s+\d")
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
NAME = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?")
PAGE = re.compile(r"/[\w/{}?=&-]*/(\?[\w=&]*)?")
FILE = re.compile(r"[\w./-]+\.(py|md|html|css|js|yml|toml)")
FOLDER = re.compile(r"[\w-]+(/[\w-]+)*/")


@cache
def tracked(*patterns: str) -> list[Path]:
    """The project's files of these patterns, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def sources() -> list[Path]:
    return tracked("*.py", "*.html", "*.js", "*.css", "*.yml", "*.toml", "Makefile", "Dockerfile")


def test_every_rule_that_is_cited_exists():
    defined = DEFINED.findall(RULES.read_text())
    assert len(defined) == len(set(defined)) > 50
    cited = {
        (path.relative_to(ROOT), rule)
        for path in [*sources(), *DOCUMENTS]
        for citation in CITED.findall(path.read_text())
        for rule in re.findall(ID, citation)
    }
    assert len({rule for _, rule in cited}) > 15, "the citations are not found any more"
    assert [(str(path), rule) for path, rule in sorted(cited) if rule not in defined] == []


def test_no_rule_is_cited_by_a_number_of_another_document():
    here = Path(__file__)
    stale = [
        f"{path.relative_to(ROOT)}: {match}"
        for path in [*sources(), *DOCUMENTS]
        if path != here
        for match in UNNUMBERED.findall(path.read_text())
    ]
    assert stale == []


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every word of the project's own source, files' names included."""
    code = [path for path in sources() if path != Path(__file__)]
    text = "\n".join(path.read_text() for path in code)
    names = {part for path in tracked() for part in (path.name, path.stem, *path.parent.parts)}
    return set(re.findall(r"\w+", text)) | names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_names_in_code_form_exist(document, words):
    spans = CODE_SPAN.findall(document.read_text())
    assert [span for span in spans if not exists(span, words)] == []


def exists(span: str, words: set[str]) -> bool:
    """Whether a code span names what there is; a span that is no name (a formula) passes."""
    if PAGE.fullmatch(span):
        return _is_page(re.sub(r"[A-Z]+|\{\w+\}", "1", span.split("?")[0]))
    if FILE.fullmatch(span):
        return any(f"/{path.relative_to(ROOT)}".endswith(f"/{span}") for path in tracked())
    if FOLDER.fullmatch(span) and (ROOT / span.split("/")[0]).is_dir():
        return (ROOT / span).is_dir()
    if NAME.fullmatch(span) or FOLDER.fullmatch(span):
        return words.issuperset(re.findall(r"\w+", span))
    return True


def _is_page(address: str) -> bool:
    try:
        return bool(resolve(address))
    except Resolver404:
        return False
