"""Workers' pages are light: what scripts and styles weigh, and what travels compressed."""

import gzip
import re
from pathlib import Path

import pytest
from django.test import Client

from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.visitors import begin, door

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = sorted((ROOT / "static/js/worker").glob("*.js"))
TEMPLATES = (ROOT / "templates/tasks").glob("*.html")
NAMED = {name for page in TEMPLATES for name in re.findall(r"css/\w+\.css", page.read_text())}
STYLES = [ROOT / "static" / name for name in sorted(NAMED)]


def test_all_scripts_of_both_kinds_weigh_little_each_compressed_by_itself():
    weights = {file.stem: len(gzip.compress(file.read_bytes(), 6)) for file in SCRIPTS}
    assert weights.keys() >= {"hit", "contains", "classify"}
    assert sum(weights.values()) < 15_000, weights


def test_the_styles_of_all_pages_weigh_little():
    assert len(STYLES) >= 5, "the files are not found any more"
    weights = {file.name: len(gzip.compress(file.read_bytes(), 6)) for file in STYLES}
    assert sum(weights.values()) < 12 * 1024, weights


@pytest.mark.django_db
def test_a_hit_and_static_text_travel_compressed_and_pages_with_other_secrets_do_not(tmp_path):
    campaign = open_campaign(make_pictures(tmp_path), "contains")
    person = Client(headers={"accept-encoding": "gzip, deflate, br"})
    hit = begin(door(campaign), person)["Location"]
    page = person.get(hit)
    assert page["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(page.content)
    assert page["Vary"].count("Accept-Encoding") == 1
    assert "Content-Encoding" not in Client().get(hit).headers  # who takes none gets none
    style = person.get("/static/css/tokens.css")
    assert style["Content-Encoding"] == "gzip"
    assert gzip.decompress(style.getvalue()) == (ROOT / "static/css/tokens.css").read_bytes()
    stranger = Client(headers={"accept-encoding": "gzip"})
    for address in ("/", "/tasks/", door(campaign), "/tasks/nothing/", "/hit/nothing/"):
        assert "Content-Encoding" not in stranger.get(address).headers, address
