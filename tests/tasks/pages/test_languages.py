"""Workers' pages speak their language: chosen by a link, the browser or the campaign, and whole."""

import re

import pytest
from django.test import Client

from tasks.models import Assignment, Campaign, Consent
from tasks.simulation.worksheet import consent_form
from tests.studies.odd_pictures import WORDS, make_pictures, open_campaign
from tests.studies.pseudo_language import CODE, pseudo_language, unspoken
from tests.studies.visitors import answer_one, begin, door, is_at_work, says

pytestmark = pytest.mark.django_db
TEXT = "Wir untersuchen Bilder."


@pytest.fixture(scope="module")
def pictures(module_db, tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def study(pictures) -> Campaign:
    return open_campaign(pictures, "contains", languages=["en", "de", CODE])


def language_of(response) -> str:
    content = response.content.decode()
    return content.split('<html lang="')[1].split('"')[0]


def test_the_browser_chooses_among_the_campaigns_languages(study):
    for wishes, spoken in (
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0,en", "en"),
    ):
        page = Client(headers={"accept-language": wishes}).get(door(study))
        assert (language_of(page), page["Content-Language"]) == (spoken, spoken), wishes
        assert "Accept-Language" in page["Vary"]
    Campaign.objects.filter(pk=study.pk).update(languages=["de"])
    assert language_of(Client(headers={"accept-language": "en"}).get(door(study))) == "de"
    assert "hreflang" not in says(Client().get(door(study)))


def test_a_choice_is_carried_on_from_page_to_page_and_kept_with_the_answer(study):
    Campaign.objects.filter(pk=study.pk).update(consent=TEXT)
    client = Client()
    first = client.get(door(study) + "?lang=de")
    assert '<a href="?lang=en" lang="en" hreflang="en">English</a>' in says(first)
    address = begin(door(study) + "?lang=de", client)["Location"]
    client.cookies.clear()  # as in a frame: the address alone has to do
    assert "/consent/?me=" in address
    assert address.endswith("&lang=de")
    form = consent_form(client.get(address).content.decode())
    response = client.post(address, dict([*form.hidden, form.buttons[0]]))
    for _ in range(2):
        assert is_at_work(response)
        assert "lang=de" in response["Location"]
        assert language_of(client.get(response["Location"])) == "de"
        wrong = client.post(response["Location"], {"assignmentId": token_of(response)})
        assert wrong["Location"].endswith("&lang=de&problems=1")
        response = answer_one(client, response)
    assert "/thanks/" in response["Location"]
    thanks = client.get(response["Location"])
    assert language_of(thanks) == "de"
    assert f"{door(study)}?after=" in says(thanks)
    assert "/tasks/?lang=de" in says(thanks)
    assert set(Assignment.objects.values_list("language", flat=True)) == {"de"}
    assert Consent.objects.get().language == "de"


def test_a_browser_remembers_a_choice_for_the_next_visit(study):
    client = Client(headers={"accept-language": "en"})
    client.get(door(study) + "?lang=de")
    assert language_of(client.get(door(study))) == "de"
    assert language_of(client.get(door(study) + "?lang=en")) == "en"
    assert language_of(client.get(door(study))) == "en"
    hit = begin(door(study), Client())["Location"]
    assert "lang" not in Client().get(hit + "&lang=de").cookies  # a frame keeps none
    client.get(door(study) + "?lang=fr")  # not offered
    assert language_of(client.get(door(study))) == "en"


def token_of(response) -> str:
    return response["Location"].split("assignmentId=")[1].split("&")[0]


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_page_shows_no_word_that_is_neither_translated_nor_somebodys_own(pictures, kind):
    study = open_campaign(
        pictures,
        kind,
        languages=["en", CODE],
        maybe=True,
        consent="Consent.",
        contact="Contact.",
        content_warning="Warning.",
        instructions="Instructions.",
    )
    own = ["English", "Second Look", "UTC", study.name, study.name.upper()]
    own += ["Consent.", "Contact.", "Warning.", "Instructions."]
    own += [text for _, names, definition, _ in WORDS for text in (*names, definition)]
    with pseudo_language():
        for name, page in pages_of(study):
            assert language_of(page) == CODE, name
            assert unspoken(page.content.decode(), *own) == [], name


def pages_of(study: Campaign):
    """What a worker comes to who has chosen the language in brackets, page by page."""
    client, lang = Client(), f"?lang={CODE}"
    yield "begin", client.get(door(study) + lang)
    yield "list", client.get("/tasks/" + lang)
    yield "kept", client.get(f"{door(study)}kept/{lang}")
    yield "no study", client.get(f"/tasks/nothing/{lang}")
    yield "no work", client.get(f"/hit/nothing/{lang}")
    yield "no page", client.get(f"/tasks/nothing/nothing/{lang}")
    yield "start", client.get("/" + lang)
    yield "preview", client.get(f"/hit/{study.hits.first().public_id}/{lang}")
    address = begin(door(study) + lang, client)["Location"]
    yield "consent", client.get(address)
    form = consent_form(client.get(address).content.decode())
    yield "refused", client.post(address, dict([*form.hidden, form.buttons[1]]))
    response = client.post(address, dict([*form.hidden, form.buttons[0]]))
    hit, token = response["Location"], {"assignmentId": token_of(response)}
    yield "hit", client.get(hit)
    choice = re.search(r'name="(selected|labels-[^"]+)" value="([^"]+)"', says(client.get(hit)))
    wrong = {choice[1]: choice[2], "strange": "1", "comment": "x" * 3000} | token
    wrong |= {"unseen": choice[2], "maybe": choice[2]}
    yield "problems", client.get(client.post(hit, wrong)["Location"])
    yield "give back", client.post(hit, {"return": "1"} | token)
    after = answer_one(client, response)
    yield "answered", client.get(hit)
    yield "next", client.get(after["Location"])
    yield "thanks", client.get(answer_one(client, after)["Location"])
    yield "list after", client.get("/tasks/" + lang)
