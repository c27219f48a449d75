"""Who took part: asked once, of those who agreed, kept as counts that single nobody out."""

import pytest
from django.utils import timezone

from tasks.crowds import crowd_of
from tasks.crowds.prolific.demographics import counts_of
from tasks.crowds.prolific.market import withdraw
from tasks.crowds.prolific.studies import offer
from tasks.models import Consent, ConsentText, Worker
from tests.studies.prolific_stand_in import begun


def people(**answers: dict[str, int]) -> list[dict[str, str]]:
    """Rows with so many people of each answer to each question."""
    columns = {q: [a for a, n in counts.items() for _ in range(n)] for q, counts in answers.items()}
    size = max(map(len, columns.values()))
    return [{q: column[number] for q, column in columns.items()} for number in range(size)]


def test_a_cell_under_five_is_hidden_and_cannot_be_worked_out():
    shown = counts_of(people(sex={"Female": 12, "Male": 9, "Other": 2}))["answers"]["sex"]
    assert shown == {"Female": 12}  # 2 alone would follow from the 23 people
    shown = counts_of(people(sex={"Female": 12, "Male": 9, "A": 3, "B": 4}))["answers"]["sex"]
    assert shown == {"Female": 12, "Male": 9}
    shown = counts_of(people(sex={"Female": 12, "Male": 9}))["answers"]["sex"]
    assert shown == {"Female": 12, "Male": 9}


def test_of_four_people_nothing_is_said():
    assert counts_of(people(sex={"Female": 4})) == {"people": None, "answers": {}}


def test_ages_are_told_by_bands():
    rows = people(age={"19": 3, "24": 4, "25": 5, "70": 6})
    assert counts_of(rows)["answers"]["age"] == {"18 to 24": 7, "65 and more": 6, "25 to 34": 5}


@pytest.mark.parametrize("column", ["first language", "language"])
def test_a_question_is_known_by_either_of_its_names(column):
    assert counts_of(people(**{column: {"English": 6}}))["answers"] == {
        "first language": {"English": 6}
    }


@pytest.mark.django_db
def test_they_are_kept_at_the_end_of_a_study_with_consent(open_for_prolific, market):
    campaign = open_for_prolific(consent="I agree.", images=30)
    offer(campaign, 8)
    (study,) = market.studies.values()
    text = ConsentText.objects.create(campaign=campaign, version="1", text="I agree.")
    for number in range(1, 9):
        submission = market.take(study, f"{number:024x}")
        session = begun(campaign, submission)
        market.complete(submission, "ANY")
        market.approve(submission)
        sex = "Female" if number < 8 else "Male"
        market.demographics[submission.participant] = {"Sex": sex, "Age": str(20 + number)}
        if number < 8:
            Consent.objects.create(
                text=text, worker=session.worker, agreed=True, language="en", at=timezone.now()
            )
    withdraw(campaign)  # paused, as it were
    campaign.state = "finished"
    for _ in range(2):
        withdraw(campaign)
    told = crowd_of(campaign).demographics(campaign)
    assert told == {"people": 7, "answers": {"age": {}, "sex": {"Female": 7}}}
    assert market.calls["demographics"] == 1


@pytest.mark.django_db
def test_without_consent_nobody_is_asked(open_for_prolific, market):
    campaign = open_for_prolific()
    offer(campaign, 1)
    campaign.state = "finished"
    withdraw(campaign)
    assert market.calls["demographics"] == 0
    assert crowd_of(campaign).demographics(campaign) is None
    assert Worker.objects.count() == 0
