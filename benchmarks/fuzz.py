"""Odd inputs over forms, imports and the API of a real site with a real database.

Makes a small study in a database of its own, then sends it inputs in-process: requests to every
address, with odd parameters, bodies and identifiers; forms as the pages show them, with some
fields changed; files to import, damaged. Any answer of 500 and any exception that is not a clear
refusal is an unhandled error. Prints each kind of error once, with the number of the input, which
with the same seed and sizes comes again; the last line has the number of unhandled errors.
"""

import argparse
import csv
import io
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies.odd_inputs import Forms, changed, damaged, odd_text, odd_value

ROUND = 2_000  # inputs, after which the study is made anew
NUMBERED = ("pk", "job", "job_id", "object_id")  # parts of addresses that are numbers of rows
ALLOWED = (503, 507)  # answers from 500 on that say what is wrong


class Site:
    """The study, who visits it, and what is known of it."""

    def __init__(self, rng: random.Random, folder: Path) -> None:
        from django.test import Client

        from tests.studies.routes import routes

        self.rng, self.folder = rng, folder
        self.addresses = sorted({route.pattern for route in routes()})
        self.errors: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.forms: list[tuple[Any, str, str, dict]] = []
        self.anonymous = Client(raise_request_exception=False)
        self.names: list[str] = []

    def make_study(self) -> None:
        """Empty the database and make the study in it."""
        from django.contrib.auth import get_user_model
        from django.core.cache import cache
        from django.core.management import call_command
        from django.test import Client

        from imagesets.models import Image
        from tasks.models import HIT, Assignment, Campaign
        from tests.factories import (
            client_of,
            make_campaign,
            make_dataset,
            make_workers,
            random_answers,
            work_through,
        )

        call_command("flush", interactive=False, verbosity=0)
        cache.clear()
        self.dataset = make_dataset(12, 4, folder=self.folder)
        self.contains = make_campaign(self.dataset, workers_per_item=4)
        work_through(self.contains, make_workers(2), random_answers())
        self.classify = make_campaign(self.dataset, "classify", workers_per_item=3)
        work_through(self.classify, make_workers(1), random_answers())
        self.draft = Campaign.objects.create(
            slug="draft", name="Draft", dataset=self.dataset, kind="contains"
        )
        boss = get_user_model().objects.create_superuser("boss", password="boss")
        self.boss = Client(raise_request_exception=False)
        self.boss.force_login(boss)
        self.token = client_of("boss")
        self.forms = []
        known = ["small", "draft", "contains", "classify", "judgments", "csv", "jsonl", "1"]
        for model, field in ((Campaign, "slug"), (Campaign, "public_id"), (HIT, "public_id"),
                             (HIT, "key"), (Image, "public_id"), (Image, "key"),
                             (Assignment, "key"), (Assignment, "token")):  # fmt: skip
            known += model.objects.values_list(field, flat=True)[:5]
        self.known = [str(value) for value in known if value]
        if not self.names:
            self.learn_names()

    def learn_names(self) -> None:
        """The names of all parameters and fields of the API, from its own description."""
        accept = {"accept": "application/json"}
        schema = self.anonymous.get("/api/schema/", headers=accept).json()
        names = {"cursor", "page_size", "q", "o", "p", "e", "_popup", "assignmentId", "workerId"}
        for component in schema["components"]["schemas"].values():
            names |= set(component.get("properties", ()))
        for methods in schema["paths"].values():
            for operation in methods.values():
                names |= {parameter["name"] for parameter in operation.get("parameters", ())}
        self.names = sorted(names)

    # Inputs

    def request(self) -> None:
        """A request to any address."""
        rng = self.rng
        address = re.sub(r"\{(\w+)\}", self._part, rng.choice(self.addresses))
        if rng.random() < 0.4:
            pairs = [
                (rng.choice(self.names), odd_text(rng, self.known))
                for _ in range(rng.randint(1, 3))
            ]
            address += "?" + urlencode(pairs, errors="surrogatepass")
        client = rng.choice((self.boss, self.boss, self.token, self.anonymous))
        method = rng.choices(("get", "post", "patch", "put", "delete", "head"), (6, 4, 1, 1, 1, 1))[
            0
        ]
        if method in ("get", "head"):
            reply = getattr(client, method)(address)
        else:
            body: Any = {rng.choice(self.names): odd_value(rng, self.known) for _ in range(3)}
            if rng.random() < 0.3:
                body = {}
            elif "campaigns" in address and rng.random() < 0.6:
                body = changed(rng, self._campaign(), self.known)
            content = json.dumps(body).encode()
            if rng.random() < 0.15:
                content = damaged(rng, content, self.known)
            kind = rng.choice(("application/json",) * 6 + ("text/csv", "application/x-ndjson", ""))
            reply = getattr(client, method)(address, content, content_type=kind)
        self._look_at(client, f"{method} {address}", address, reply)

    def form(self) -> None:
        """A form of a page that was shown before, with some of its fields changed."""
        rng = self.rng
        if not self.forms:
            return self.request()
        client, action, method, fields = rng.choice(self.forms)
        fields = dict(fields)
        for name in rng.sample(sorted(fields), min(len(fields), rng.randint(0, 3))):
            if isinstance(fields[name], bytes):
                fields[name] = self._upload()
            else:
                fields[name] = odd_text(rng, self.known)
        clean = {
            name: io.BytesIO(value) if isinstance(value, bytes) else value
            for name, value in fields.items()
            if value != b""
        }
        for value in clean.values():
            if isinstance(value, io.BytesIO):
                value.name = rng.choice(("a.zip", "a.csv", "a.parquet", "a"))
        if method == "post":
            data = {n: v.encode(errors="replace").decode() if isinstance(v, str) else v
                    for n, v in clean.items()}  # fmt: skip
            reply = client.post(action, data)
        else:
            reply = client.get(f"{action}?{urlencode(clean, errors='surrogatepass')}")
        self._look_at(client, f"{method} form {action} {fields}", action, reply)

    def responses(self) -> None:
        """A damaged file of judgments, in any of its forms."""
        from tasks.models.refused import Refused
        from tasks.responses import ResponsesRefused, import_responses

        rng = self.rng
        campaign = rng.choice((self.contains, self.classify, self.draft))
        rows = [self._judgment(campaign) for _ in range(rng.randint(1, 4))]
        rows = [row for row in rows if isinstance(row, dict)] or [{"worker": "w"}]
        form = rng.random()
        if form < 0.4:
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, list({name: 0 for row in rows for name in row}))
            writer.writeheader()
            for row in rows:
                cells = {n: json.dumps(v) if isinstance(v, list) else v for n, v in row.items()}
                writer.writerow(cells)
            content = out.getvalue().encode(errors="surrogatepass")
        elif form < 0.7:
            content = "\n".join(map(json.dumps, rows)).encode()
        else:
            content = json.dumps(rows).encode()
        if rng.random() < 0.6:
            content = damaged(rng, content, self.known)
        self._expecting(
            (ResponsesRefused, Refused),
            f"import_responses {campaign.slug} {content!r}",
            lambda: import_responses(campaign, io.BytesIO(content), "the fuzzer"),
        )

    def tables(self) -> None:
        """A damaged table or archive for one of the other imports."""
        from imagesets.errors import ImportRefused
        from imagesets.importing.import_dataset import import_dataset
        from imagesets.tables.problems import TableError
        from models_inference.errors import InferenceError
        from models_inference.predictions.files import import_predictions
        from tasks.campaigns.known_answers import import_known_answers
        from tasks.models.refused import Refused

        rng = self.rng
        refusals = (ImportRefused, InferenceError, Refused, TableError)
        classes = b"key,names,definition,wikipedia,superclass\nn0,a;b,text,https://x.org/,thing\n"
        labels = b"image,label\n000.jpg,n00000000\n001.jpg,n00000001\n"
        known = b"image,label,present\n000.jpg,n00000000,true\n001.jpg,n00000001,0\n"
        predictions = b"image,rank,label,score\n000.jpg,1,n00000000,0.5\n000.jpg,2,n00000001,0.25\n"
        kind = rng.choice(("classes", "labels", "known", "predictions", "zip"))
        content = {"classes": classes, "labels": labels, "known": known, "zip": self._upload(),
                   "predictions": predictions}[kind]  # fmt: skip
        content = damaged(rng, content, self.known)
        file = self.folder / ("odd.zip" if kind == "zip" else "odd.csv")
        file.write_bytes(content)
        images = file if kind == "zip" else self.folder / "none"
        (self.folder / "none").mkdir(exist_ok=True)

        def run() -> None:
            if kind == "predictions":
                import_predictions(self.dataset, file, f"odd {rng.randrange(5)}")
            elif kind == "known":
                import_known_answers(self.dataset, file)
            else:
                import_dataset("odd", images, **({} if kind == "zip" else {kind: file}))

        self._expecting(refusals, f"{kind} {content!r}", run)

    def _part(self, match: re.Match) -> str:
        if match[1] in NUMBERED or self.rng.random() < 0.1:
            whole = self.rng.choice(("1", "2", "3", "4", "0", "9" * 30, str(2**63)))
            return (
                whole
                if self.rng.random() < 0.8
                else quote(odd_text(self.rng, self.known)[:90], "", errors="replace")
            )
        return quote(self.rng.choice(self.known), "")

    def _campaign(self) -> dict[str, Any]:
        return {
            "name": "Odd", "slug": f"odd-{self.rng.randrange(10**6)}", "dataset": self.dataset.slug,
            "kind": self.rng.choice(("contains", "classify")), "crowd": "local",
            "images": {"per_label": 2, "seed": 0}, "candidates": {"classifiers": ["first"], "k": 5},
            "controls": {"share": 0.1, "campaigns": []}, "budget": "10.00", "wage": "15.00",
            "workers_per_item": 3, "round_size": 1, "follow_up": {"fu": 1}, "qualifications": [],
        }  # fmt: skip

    def _judgment(self, campaign: Any) -> dict[str, Any]:
        rng = self.rng
        row: dict[str, Any] = {
            "worker": f"w{rng.randrange(4)}",
            "image": f"00{rng.randrange(9)}.jpg",
        }
        if campaign.kind == "contains":
            row |= {
                "label": f"n0000000{rng.randrange(4)}",
                "selected": rng.choice((True, "maybe", 0)),
            }
        else:
            row |= {"selected": ["n00000000"], "main": "n00000000"}
        for name in ("hit", "assignment", "submitted_at", "seconds", "status", "position", "round"):
            if rng.random() < 0.15:
                row[name] = odd_value(rng, self.known)
        return changed(rng, row, self.known) if rng.random() < 0.4 else row

    def _upload(self) -> bytes:
        import zipfile

        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            picture = next(self.folder.glob("*.png")).read_bytes()
            file.writestr("a.png", picture)
            file.writestr("b/c.png", damaged(self.rng, picture, self.known))
        return (
            out.getvalue()
            if self.rng.random() < 0.5
            else odd_text(self.rng, self.known).encode(errors="surrogatepass")
        )

    # Answers

    def _look_at(self, client: Any, what: str, address: str, reply: Any) -> None:
        if reply.status_code >= 500 and reply.status_code not in ALLOWED:
            error = getattr(reply, "exc_info", None)
            self._note(error[1] if error else None, what)
        elif "html" in reply.headers.get("Content-Type", "") and not reply.streaming:
            page = Forms(reply.content.decode(errors="replace"), address.split("?")[0])
            for action, method, fields in page.forms:
                if "logout" not in action and "password" not in action:
                    self.forms.append((client, action, method, fields))
            del self.forms[: max(0, len(self.forms) - 300)]
        elif reply.streaming:
            self._expecting((), what, lambda: b"".join(reply.streaming_content))

    def _expecting(self, refusals: tuple, what: str, run: Callable[[], Any]) -> None:
        try:
            run()
        except refusals:
            pass
        except Exception as error:
            self._note(error, what)

    def _note(self, error: BaseException | None, what: str) -> None:
        kind = "500 without an exception"
        if error is not None:
            own = [
                f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f[0]
            ]
            where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
            kind = f"{type(error).__name__} at {where}: {str(error)[:120]!r}"
        self.errors[kind] += 1
        self.examples.setdefault(kind, f"input {self.number}: {what[:400]}")


def run(inputs: int, seed: int, seconds: float, folder: Path) -> Site:
    """Send so many inputs, for so many seconds at most; the errors are in the site's `errors`."""
    site = Site(random.Random(seed), folder)
    kinds = (site.request, site.form, site.responses, site.tables)
    end = time.monotonic() + seconds
    site.number = 0
    while site.number < inputs and time.monotonic() < end:
        if site.number % ROUND == 0:
            site.make_study()
        site.number += 1
        site.rng.choices(kinds, (4, 1, 3, 2))[0]()
    return site


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3 * 3600, help="stop after so many")
    options = parser.parse_args()
    import django
    from django.conf import settings
    from django.core.management import call_command

    from annotation.serving.embedded import running

    django.setup()
    logging.disable(logging.CRITICAL)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["*"]
    settings.MTURK_ENDPOINT_URL = "http://127.0.0.1:9"  # nobody: no input leaves this machine
    started = time.monotonic()
    with running(settings.DATA_DIR, durable=False):
        call_command("migrate", verbosity=0)
        site = run(options.inputs, options.seed, options.seconds, settings.DATA_DIR / "odd")
    for kind, number in site.errors.most_common():
        print(f"{number:,} x {kind}\n    {site.examples[kind]}")
    print(
        f"{site.number:,} inputs of seed {options.seed} in {time.monotonic() - started:,.0f} s:"
        f" {sum(site.errors.values()):,} unhandled errors"
    )
    return 1 if site.errors else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    with tempfile.TemporaryDirectory(prefix="second-look-fuzz-") as data:
        os.environ["DATA_DIR"] = data  # never the database of a study
        sys.exit(main())
