"""Before publishing, the site names labels of the campaign that may confuse."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from imagesets.labels.imagenet import ClassEntry
from imagesets.labels.lint import lint
from imagesets.models import Label
from tasks.campaigns.findings import in_a_sentence, label_findings
from tasks.models import Campaign
from tests.factories import make_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    """8 labels, of which the images 000 and 001 ask four; two of those have one name."""
    dataset = make_dataset()
    Label.objects.update(definition="a thing of some kind or other")
    for label in Label.objects.all():
        label.definition = f"definition of {label.key}"
        label.names = ["crane"] if label.key[-1] in "127" else [f"word{label.key[-1]}"]
        label.save()
    return Campaign.objects.create(
        name="C", slug="c", dataset=dataset, kind="contains", images=["000.jpg", "001.jpg"]
    )


def test_only_labels_that_are_asked_count_before_and_after(draft, capsys):
    labels, findings = label_findings(draft)
    assert labels == 4
    assert [(finding.rule, finding.keys) for finding in findings] == [
        ("same name", ("n00000001", "n00000002"))
    ]
    call_command("publish", "c")
    output = " ".join(capsys.readouterr().out.split())
    assert "some of the 4 labels asked about: both are named 'crane' (n00000001, n000" in output
    Label.objects.update(names=["other"])  # what was frozen counts
    assert label_findings(Campaign.objects.get()) == (labels, findings)


def test_the_admins_page_shows_them_before_publishing(draft, client):
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    page = client.get(f"/campaigns/{draft.slug}/steps/publish/").content.decode()
    assert "both are named &#x27;crane&#x27;" in page


def test_a_sentence_names_the_first_few_and_how_many_more(draft):
    Label.objects.update(definition="")
    labels, findings = label_findings(draft)
    assert in_a_sentence(labels, findings).endswith("; and 2 more.")
    assert in_a_sentence(4, []) == ""
    many = lint(ClassEntry(f"{i:04}", ("crane",), f"crane {i}") for i in range(2000))
    assert in_a_sentence(2000, many) == (
        "Workers may confuse some of the 2,000 labels asked about: 2,000 labels are named 'crane'"
        " (0000, 0001, 0002, 0003, 0004 and 1,995 more)."
    )
