"""Workers' pages speak their language: chosen by a link, the browser or the campaign, and whole."""

import re

import pytest
from django.test import Client

from tasks.campaigns.findings import language_findings
from tasks.models import Assignment, Campaign, Consent
from tasks.simulation.worksheet import consent_form
from tests.studies.odd_pictures import WORDS, make_pictures, open_campaign
from tests.studies.practised import practise, practising
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
    assert Consent.objects.get().language == "en"  # of the text, which is given once


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
    own = ["English", "Deutsch", "Second Look", "UTC", "{why}", study.name, study.name.upper()]
    own += ["Consent.", "Contact.", "Warning.", "Instructions."]
    own += [text for _, names, definition, _ in WORDS for text in (*names, definition)]
    with pseudo_language():
        pages = {name: page.content.decode() for name, page in pages_of(study)}
    assert {name: words for name, page in pages.items() if (words := unspoken(page, *own))} == {}
    assert {name for name, page in pages.items() if f'<html lang="{CODE}"' not in page} == set()


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
    wrong = {choice[1]: choice[2], "strange": "1", "comment": "1" * 3000} | token
    wrong |= {"unseen": choice[2], "maybe": choice[2]}
    yield "problems", client.get(client.post(hit, wrong)["Location"])
    yield "give back", client.post(hit, {"return": "1"} | token)
    after = answer_one(client, response)
    yield "answered", client.get(hit)
    yield "next", client.get(after["Location"])
    yield "thanks", client.get(answer_one(client, after)["Location"])
    yield "list after", client.get("/tasks/" + lang)


def test_names_and_texts_are_shown_in_the_pages_language_or_marked_as_anothers(pictures):
    pictures.labels.filter(key="n01").update(
        translations={"de": {"names": ["Tigerkatze", "getigerte Katze"]}}
    )
    study = open_campaign(
        pictures,
        "contains",
        slug="named",
        languages=["en", "de"],
        title={"en": "Animals", "de": "Tiere"},
        consent={"en": "We study.", "de": "Wir forschen."},
        contact="Ada",
    )
    client = Client(headers={"accept-language": "de"})
    page = says(client.get(door(study)))
    assert "<title>Tiere</title>" in page
    assert '<h1 dir="auto">Tiere</h1>' in page
    assert '<div lang="en" dir="auto"><p>Ada</p></div>' in page
    address = begin(door(study), client)["Location"]
    asked = client.get(address)
    assert '<div class="prose" dir="auto"><p>Wir forschen.</p>' in says(asked)
    form = consent_form(asked.content.decode())
    response = client.post(address, dict([*form.hidden, form.buttons[0]]))
    hit = says(client.get(response["Location"]))
    assert '<strong class="label-name" dir="auto">Tigerkatze oder getigerte Katze</strong>' in hit
    assert '<strong class="label-name" lang="en" dir="auto">Egyptian cat</strong>' in hit
    assert 'lang="en" dir="auto">a cat with a grey or tawny coat' in hit  # it has no German
    english = says(Client(headers={"accept-language": "en"}).get(response["Location"]))
    assert '<strong class="label-name" dir="auto">tabby or tabby cat</strong>' in english
    assert list(Consent.objects.values_list("language", "text__text")) == [("de", "Wir forschen.")]
    # Who agreed in one language is not asked in another, until that text changes.
    assert is_at_work(begin(door(study) + "?lang=en", client))
    Campaign.objects.filter(pk=study.pk).update(consent={"en": "We study.", "de": "Neu."})
    study.refresh_from_db()
    done = Assignment.objects.get()
    assert "/consent/" in answer_one(client, response)["Location"], done


def test_publishing_finds_what_a_language_lacks(pictures):
    pictures.labels.filter(key="n01").update(translations={"de": {"names": ["Tigerkatze"]}})
    study = open_campaign(
        pictures,
        "contains",
        slug="found",
        languages=["en", "de"],
        consent={"de": "Wir forschen."},
        title={"en": "Animals", "de": "Tiere"},
        contact="Ada",
    )
    assert language_findings(study) == (
        "Workers who read en find another language in its consent."
        " Workers who read de find another language in 4 of 5 labels (names_de), its contact."
    )
    study.languages = ["en"]
    study.consent = None
    assert language_findings(study) == ""


def test_what_is_told_after_a_practice_is_in_its_language_to_the_last_word(db):
    study = practising(languages=["de"])
    client = Client()
    told = says(client.get(practise(study, client, begin(door(study), client), wrong=1)))
    assert "Sie: ja<br>Richtig: ja" in told
    assert "Sie: nein<br>Richtig: nein" in told
