"""The examples in the API's description are real: each is sent as it stands, and is taken."""

from typing import Any

import pytest
import yaml
from django.db import transaction
from django.test import Client

from annotation.api.examples import BODIES, Examples
from annotation.demo.study import CONTAINS
from imagesets.pictures.demo_photos import SLUG
from models_inference.classifiers.presets import DEMO
from models_inference.models import Classifier
from tasks.models import Campaign
from tests.factories import client_of, make_dataset, make_user
from tests.studies.answered_studies import make_two_studies

# What the state of an open campaign allows no more or not yet: the API says why.
MAY_BE = {"publish": 409, "resume": 409, "report": 404}


@pytest.fixture(scope="module")
def study(module_db):
    return make_two_studies()


def described(client: Client) -> dict[str, Any]:
    return client.get("/api/schema/?format=json").json()


def examples_of(description: dict[str, Any]):
    """(method, address, body) of each operation whose address the examples fill in."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", ())
            parts = {
                parameter["name"]: parameter["example"]
                for parameter in parameters
                if parameter["in"] == "path" and "example" in parameter
            }
            if any(each["in"] == "query" and each.get("required") for each in parameters):
                continue  # of two studies: not every reader has them
            bodies = operation.get("requestBody", {}).get("content", {})
            body = bodies.get("application/json", {}).get("example")
            if path.count("{") == len(parts):
                yield method, path.format(**parts), body


@pytest.mark.django_db
def test_each_example_is_taken_as_it_stands(study):
    Campaign.objects.filter(slug="elsewhere").update(kind="classify")  # which no example is of
    Campaign.objects.filter(slug="grid").update(state="open", crowd="local")
    Classifier.objects.update(architecture="resnet18", weights="pretrained")
    api = client_of("boss", "owner", spend=True)
    said = {}
    for method, address, body in examples_of(described(api)):
        with transaction.atomic():
            send = getattr(api, method)
            sends = () if method in ("get", "delete") else (body or {}, "application/json")
            answer = send(address, *sends)
            if hasattr(answer, "streaming_content"):
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        said[method, address] = (answer.status_code, getattr(answer, "content", b"")[:300])
    wrong = {
        what: answer
        for what, answer in said.items()
        if answer[0] >= 300 and answer[0] != MAY_BE.get(what[1].rstrip("/").rpartition("/")[2])
    }
    assert wrong == {}, wrong
    assert len(said) > 20
    changing = [what for what in said if what[0] != "get"]
    assert len(changing) == len(BODIES)


@pytest.mark.django_db
def test_each_reader_gets_names_of_what_they_see(study):
    make_dataset(slug="yours")
    reader = client_of("reader", "viewer", campaign=study)
    mine = str(described(reader)["paths"])
    assert "elsewhere" not in mine
    assert "yours" not in mine
    parameter = "/api/campaigns/{slug}/export/{table}.{extension}"
    (slug,) = [
        each["example"]
        for each in described(reader)["paths"][parameter]["get"]["parameters"]
        if each["name"] == "slug"
    ]
    assert reader.get(f"/api/campaigns/{slug}/").status_code == 200
    stranger = str(described(Client())["paths"])
    assert Examples().CAMPAIGN in stranger
    text = Client().get("/api/schema/", headers={"accept": "application/vnd.oai.openapi"}).content
    assert "'example': 'CAMPAIGN'" not in str(yaml.safe_load(text)["paths"])


def test_strangers_see_names_of_the_demo():
    assert (CONTAINS["slug"], SLUG) == (Examples().CAMPAIGN, Examples().DATASET)
    assert Examples().CLASSIFIER in {preset.name for preset in DEMO}


@pytest.mark.django_db
def test_the_docs_are_linked_where_a_researcher_looks():
    client = Client()
    client.force_login(make_user("reader", "viewer"))
    assert 'href="/api/docs/"' in client.get("/admin/").content.decode()
    assert "/api/schema/?format" in client.get("/api/docs/?script=").content.decode()
