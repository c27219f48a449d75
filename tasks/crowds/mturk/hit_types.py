"""What MTurk's workers see of a campaign before they accept: HIT types, qualifications, texts."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.validate import ParamValidator
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tasks.crowds.mturk.client import Client
from tasks.crowds.mturk.models import HITType
from tasks.crowds.rehearsals import is_loopback
from tasks.models import HIT, Campaign
from tasks.models.campaign import Kind
from tasks.models.spoken import all_languages_of

# The qualification type "Masters" is the only one with another id in the sandbox.
MASTERS = {True: "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6", False: "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"}
MOST_QUALIFICATIONS = 10
LONGEST = {"title": 128, "description": 2000, "keywords": 1000}
TITLES = {
    Kind.CONTAINS: _("Find what is in pictures"),
    Kind.CLASSIFY: _("Say which labels fit a picture, and which names its main object"),
}
DESCRIPTIONS = {
    Kind.CONTAINS: _("Look at small sets of photographs and select those that show a given thing."),
    Kind.CLASSIFY: _(
        "For a few photographs, check the labels of the things in it, and the main one."
    ),
}
XML = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/'
    'AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd">'
    "<ExternalURL>{}</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"
)


def question(hit: HIT) -> str:
    """A HIT's ExternalQuestion: its page, in a frame as high as the window."""
    return XML.format(f"{settings.PUBLIC_URL}/hit/{hit.public_id}/")


def hit_types(campaign: Campaign, client: Client) -> dict[Decimal, str]:
    """The id of the campaign's HIT type for each reward that its HITs have, as it is now.

    Another title or deadline makes another HIT type. MTurk returns the same id for the same one, so
    asking twice makes only one.
    """
    known = {row.reward: row for row in HITType.objects.filter(campaign=campaign)}
    rewards = HIT.objects.filter(campaign=campaign).order_by().values_list("reward", flat=True)
    types = {}
    for reward in rewards.distinct():
        fields = _fields(campaign, reward)
        row = known.get(reward)
        if row is None or row.fields != fields:
            answer = client.call("create_hit_type", **fields)
            row, _ = HITType.objects.update_or_create(
                campaign=campaign,
                reward=reward,
                defaults={"market_id": answer["HITTypeId"], "fields": fields},
            )
        types[reward] = row.market_id
    return types


def _fields(campaign: Campaign, reward: Decimal) -> dict[str, Any]:
    kind = Kind(campaign.kind)
    with translation.override(campaign.languages[0]):  # the list has one text for everybody
        title = campaign.texts.title or str(TITLES[kind])
        description = campaign.texts.description or str(DESCRIPTIONS[kind])
    fields: dict[str, Any] = {
        "Reward": f"{reward:.2f}",
        "Title": title,
        "Description": description,
        "AssignmentDurationInSeconds": campaign.assignment_minutes * 60,
        "AutoApprovalDelayInSeconds": campaign.auto_approval_days * 24 * 3600,
        "QualificationRequirements": qualifications(campaign),
    }
    if campaign.keywords:
        fields["Keywords"] = campaign.keywords
    return fields


def qualifications(campaign: Campaign) -> list[dict[str, Any]]:
    """The campaign's requirements, with the ids of its marketplace (sandbox or not)."""
    other = MASTERS[not campaign.sandbox]
    return [
        requirement | {"QualificationTypeId": MASTERS[campaign.sandbox]}
        if requirement.get("QualificationTypeId") == other
        else requirement
        for requirement in campaign.qualifications
    ]


def obstacles(campaign: Campaign) -> list[str]:
    """What keeps MTurk from taking the campaign, as sentences."""
    obstacles = []
    address = urlsplit(settings.PUBLIC_URL)
    if not settings.PUBLIC_URL:
        obstacles.append("PUBLIC_URL is not set: MTurk must know where workers reach this site")
    elif address.scheme != "https" and not (
        address.scheme == "http" and is_loopback(settings.PUBLIC_URL)
    ):
        obstacles.append(f"PUBLIC_URL is {settings.PUBLIC_URL}: MTurk shows pages over https only")
    for name, longest in LONGEST.items():
        texts = all_languages_of(getattr(campaign, name), campaign.languages)
        if any(len(text) > longest for text in texts):
            obstacles.append(f"its {name} is longer than MTurk's {longest} characters")
    return obstacles + _wrong_qualifications(campaign.qualifications)


def _wrong_qualifications(given: Any) -> list[str]:
    model = botocore.session.Session().get_service_model("mturk")
    shape = model.shape_for("QualificationRequirementList")
    if report := ParamValidator().validate(given, shape).generate_report():
        return [f"qualifications: {' '.join(report.split())}"]
    if len(given) > MOST_QUALIFICATIONS:
        return [f"qualifications: {len(given)} are more than MTurk's {MOST_QUALIFICATIONS}"]
    known = model.shape_for("QualificationRequirement").members
    comparators = known["Comparator"].enum
    wrong = []
    for number, requirement in enumerate(given, 1):
        if unknown := sorted(set(requirement) - set(known)):
            wrong.append(f"qualifications, number {number}: {unknown[0]} is not known to MTurk")
        elif requirement["Comparator"] not in comparators:
            wrong.append(
                f"qualifications, number {number}: Comparator {requirement['Comparator']!r} is"
                f" none of {', '.join(comparators)}"
            )
    return wrong
