"""Every sentence of a worker's page can be translated, and has its German."""

import ast
import re
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[3]
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
TEMPLATES = [
    *sorted((ROOT / "templates/tasks").glob("*.html")),
    *(ROOT / "templates" / f"{name}.html" for name in (400, 404, 500)),
    *(ROOT / "templates/pages" / f"{name}.html" for name in ("home", "refused")),
]
# Where sentences for workers are written in Python, and those that are for somebody else.
SOURCES = [
    *sorted((ROOT / "tasks/pages").glob("*.py")),
    *sorted((ROOT / "tasks/crowds").glob("*/frame.py")),
    *sorted((ROOT / "tasks/crowds").glob("*/door.py")),
    ROOT / "tasks/crowds/prolific/visiting.py",
    *(ROOT / "tasks/crowds/local" / f"{name}.py" for name in ("identity", "invitations")),
    ROOT / "tasks/work/take_up.py",
    ROOT / "annotation/serving/bodies.py",
]
FOR_RESEARCHERS = {"Refused", "refused"}  # what these are called with
TRANSLATES = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
NAMES = {"Second Look", "UTC", "ALLOWED_HOSTS"}
SENTENCE = re.compile(r"[A-Z“][^\W\d_]*[ ,’'].*[.:?!…]$|[A-Z]\w+( \w+){3,}", re.S)


def test_no_template_says_a_word_outside_of_its_translated_blocks():
    assert len(TEMPLATES) > 20
    assert {path.name: words for path in TEMPLATES if (words := bare_words(path.read_text()))} == {}


def test_no_python_says_a_sentence_that_is_not_translated():
    assert {
        f"{path.relative_to(ROOT)}:{line}": text
        for path in SOURCES
        for line, text in bare_sentences(ast.parse(path.read_text()))
    } == {}


def test_no_script_says_a_sentence_of_its_own():
    said = set()
    for path in (ROOT / "static/js/worker").glob("*.js"):
        code = re.sub(r"^\s*//.*|\s//\s.*", "", path.read_text(), flags=re.M)
        for _, text in re.findall(r"""(["'`])((?:(?!\1).)*)\1""", code):
            if re.search(r"[A-Z][a-z]+ [a-z]+ \w+", text):
                said.add((path.name, text))
    assert said == set()


def test_every_sentence_that_a_script_asks_for_stands_in_the_page():
    page = (ROOT / "templates/tasks/hit.html").read_text()
    asked = set()
    for path in (ROOT / "static/js/worker").glob("*.js"):
        asked |= set(re.findall(r"""\b(?:say|wait|words)\("(\w+)\"""", path.read_text()))
    assert len(asked) > 5
    assert {name for name in asked if f'data-say="{name}"' not in page} == set()


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_sentence_and_no_other(code):
    translated = catalogue(code)
    assert len(translated) > 250
    assert translated.keys() ^ sentences() == set(), "run make messages, and translate what is new"
    assert [sentence for sentence, words in translated.items() if not all(words)] == []
    assert "#, fuzzy" not in path_of(code, "po").read_text()


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_keeps_what_is_filled_in_and_the_marks(code):
    kept = re.compile(r"%\(\w+\)s|{\w+}|</?[a-z][^>]*>")
    assert {
        sentence: form
        for sentence, forms in catalogue(code).items()
        for form in forms
        if sorted(kept.findall(sentence)) != sorted(kept.findall(form))
    } == {}


@pytest.mark.parametrize("code", OTHERS)
def test_the_compiled_catalogue_is_the_written_one(code):
    with path_of(code, "mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for sentence, forms in catalogue(code).items():
        assert compiled._catalog.get((sentence, 0), compiled._catalog.get(sentence)) == forms[0], (
            "run make messages"
        )


def bare_words(template: str) -> list[str]:
    """Words of a template that stand in no tag for translation."""
    blocks = r"{% (?:blocktranslate|block kind).*?{% end(?:blocktranslate|block) %}"
    text = re.sub(rf"{blocks}|{{%.*?%}}|{{{{.*?}}}}|{{\w+}}", " ", template, flags=re.S)
    parser = _Words()
    parser.feed(text)
    return [word for word in parser.words if word not in NAMES]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._in_script = self._in_key = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_key = tag == "kbd"
        spoken = ("alt", "aria-label", "placeholder", "title")
        self._add(" ".join(value or "" for name, value in attrs if name in spoken))

    def handle_data(self, data: str) -> None:
        if not self._in_key or len(data.strip()) > 1:  # a key of one letter is code
            self._add(data)

    def _add(self, text: str) -> None:
        if re.search(r"[^\W\d_]", text):
            self.words.append(" ".join(text.split()))


def bare_sentences(tree: ast.AST) -> list[tuple[int, str]]:
    """The sentences of a module that it does not hand to a translation."""
    left = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in TRANSLATES | FOR_RESEARCHERS:
                return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue  # a docstring
            if isinstance(child, ast.keyword) and child.arg == "help_text":
                continue
            visit(child)
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(p.value) for p in parts if isinstance(p, ast.Constant))
        is_text = isinstance(node, ast.Constant | ast.JoinedStr) and "\n" not in text
        if is_text and SENTENCE.search(text):
            left.append((node.lineno, text))

    visit(tree)
    return left


def sentences() -> set[str]:
    """Every sentence that the sources have translated, in the singular."""
    found = set()
    for path in TEMPLATES:
        calls = r"gettext\(u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
        found |= set(map(ast.literal_eval, re.findall(calls, templatize(path.read_text()))))
    for folder in ("annotation", "imagesets", "tasks"):
        for path in (ROOT / folder).rglob("*.py"):
            if "gettext" in (text := path.read_text()):
                found |= {
                    ast.literal_eval(node.args[0])
                    for node in ast.walk(ast.parse(text))
                    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TRANSLATES
                }
    return found


def path_of(code: str, suffix: str) -> Path:
    return ROOT / "locale" / code / "LC_MESSAGES" / f"django.{suffix}"


def catalogue(code: str) -> dict[str, list[str]]:
    """A language's .po file: sentence -> its translations, by number."""
    translated = {}
    for entry in path_of(code, "po").read_text().split("\n\n")[1:]:
        strings = re.findall(r'^(msgid|msgstr\S*) (".*"(?:\n".*")*)$', entry, re.M)
        (_, sentence), *forms = [(name, _joined(text)) for name, text in strings]
        translated[sentence] = [text for _, text in forms]
    return translated


def _joined(text: str) -> str:
    return "".join(map(ast.literal_eval, text.splitlines()))
