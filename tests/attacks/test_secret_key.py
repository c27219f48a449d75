"""A site without a given secret key has one of its own; the published one counts for little."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from annotation.serving.production import PUBLISHED_SECRET
from annotation.serving.secret_key import kept_keys
from tasks.crowds import BadVisit
from tasks.crowds.local import identity
from tasks.models import Campaign, Worker
from tests.factories import make_lettered_dataset

ROOT = Path(__file__).resolve().parents[2]


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with ThreadPoolExecutor(8) as pool:
        keys = {tuple(keys) for keys in pool.map(kept_keys, [folder] * 16)}
    ((key,),) = keys
    assert len(key) >= 50
    assert [path.name for path in folder.iterdir()] == ["secret_key"]
    assert kept_keys(tmp_path / "other") != [key]


def test_a_key_that_cannot_be_kept_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="set SECRET_KEY, or another DATA_DIR"):
        kept_keys(tmp_path / "file" / "var")


def test_an_empty_key_is_one_clear_error_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="secret_key is empty: bring the file back"):
        kept_keys(tmp_path)
    assert (tmp_path / "secret_key").read_text() == "\n"


def test_an_older_data_dir_gets_a_key_and_keeps_the_ids_of_its_pages(tmp_path: Path) -> None:
    """Forms that are open, and answers at a marketplace, name items by ids of the old key."""
    (tmp_path / "log").mkdir()
    script = "from annotation import settings as s; import json;"
    script += "print(json.dumps([s.SECRET_KEY, s.EARLIER_SECRET_KEYS, s.IDS_KEY]))"
    kept = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    key, earlier, ids = json.loads(done.stdout)
    assert key != PUBLISHED_SECRET
    assert earlier == [PUBLISHED_SECRET]
    assert ids == PUBLISHED_SECRET


def cookie(name: str) -> dict[str, str]:
    """A worker's cookie under the published key, as anybody can make it."""
    signer = signing.TimestampSigner(
        key=f"django.http.cookies{PUBLISHED_SECRET}", salt=identity.COOKIE + identity.COOKIE_SALT
    )
    return {identity.COOKIE: signer.sign(name)}


@pytest.mark.django_db
def test_the_published_key_keeps_visitors_and_makes_nobody_else(settings) -> None:
    campaign = Campaign.objects.create(
        slug="study",
        dataset=make_lettered_dataset(),
        kind="contains",
        state="open",
        open="anyone",
    )
    visitor, invited = Worker.of("local", "visitor-of-before"), Worker.of("local", "ann")

    def known(name: str) -> Worker | None:
        request = RequestFactory().get("/")
        request.COOKIES = cookie(name)
        return identity.worker_of(request, campaign)

    settings.EARLIER_SECRET_KEYS = [PUBLISHED_SECRET]
    assert known("visitor-of-before") == visitor
    assert known("ann") != invited  # a name that somebody can guess
    settings.EARLIER_SECRET_KEYS = []
    assert known("visitor-of-before") != visitor
    request = RequestFactory().get("/")
    token = signing.dumps(
        [campaign.public_id, "forged"], key=PUBLISHED_SECRET, salt="tasks.identity.invitation"
    )
    request.GET = {"invitation": token}
    settings.EARLIER_SECRET_KEYS = [PUBLISHED_SECRET]
    with pytest.raises(BadVisit):
        identity.worker_of(request, campaign)
