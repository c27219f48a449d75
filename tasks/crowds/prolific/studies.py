"""Makes the campaign's one open study at Prolific, publishes it, and keeps its places right.

A study is found again by its internal name after an unclear answer, and every call says what the
state should be, so all of this may be cut off anywhere and repeated.
"""

import contextlib
import math
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

from django.db.models import Count

from imagesets.clock import Now
from tasks.crowds import CrowdError
from tasks.crowds.prolific.account import learn, may_screen_out
from tasks.crowds.prolific.client import Client, RequestRefused, Unreachable, client
from tasks.crowds.prolific.described import (
    SCREEN_OUT,
    fixed_pay,
    new_codes,
    paying_code,
    practice_pay,
    study_fields,
)
from tasks.crowds.prolific.models import Account, Study, StudyState, name_of
from tasks.crowds.prolific.money import LEAST_WAGES, account_of, amount, surcharges
from tasks.models import Campaign, Session
from tasks.models.campaign import State
from tasks.models.sums import CENT

SCREENED_OUT = "SCREENED OUT"
# Submissions that leave their place to others.
FREED = ("RETURNED", "TIMED-OUT", "REJECTED", SCREENED_OUT)
RUNNING = ("RESERVED", "ACTIVE")
ASLEEP = (StudyState.PAUSED, StudyState.AWAITING_REVIEW)
PUBLISHED = (StudyState.ACTIVE, *ASLEEP, StudyState.COMPLETED)
SHUT = (StudyState.UNPUBLISHED, StudyState.SCHEDULED, *ASLEEP, StudyState.COMPLETED)


def offer(campaign: Campaign, places: int, most: int | None = None) -> None:
    """Let `places` more people begin, in the one open study, which is made where there is none.

    `most`: so many at most, where so few places as that cannot be offered; None: as many as needed.
    """
    api = client()
    if (account := account_of(campaign)) is None:
        account, _ = learn(campaign)
    if account.only_tests:
        return
    study = _current(campaign)
    for older in of_campaign(campaign).exclude(pk=study.pk):
        end(api, older)
    seen = look(api, study) if study.market_id and not _is_gone(api, study) else None
    if seen is None:
        if places <= 0:
            return
        _make(api, study, places)
        seen = look(api, study)
    if study.state == StudyState.UNPUBLISHED:
        if places > 0:
            _publish(api, study, places)
    elif study.state in PUBLISHED:
        _adjust(api, study, seen, places, most)


def draft_of(campaign: Campaign) -> Study:
    """The campaign's study there, made as a draft where there is none yet."""
    api = client()
    study = _current(campaign)
    if study.market_id is None or _is_gone(api, study):
        _make(api, study, 1)
    look(api, study)
    return study


def withdraw(campaign: Campaign) -> None:
    """Let nobody begin any more: PAUSE while the campaign is paused, STOP when it is over."""
    api = client()
    paused = campaign.state == State.PAUSED
    for study in of_campaign(campaign):
        if paused:
            look(api, study)
            if study.state == StudyState.ACTIVE:
                _move(api, study, "PAUSE")
        else:
            end(api, study)


def places_available(campaign: Campaign) -> int:
    """How many people could begin now."""
    study = of_campaign(campaign).last()
    if study is None:
        return 0
    api = client()
    seen = look(api, study)
    if study.state != StudyState.ACTIVE:
        return 0
    taken = taken_of(study, submissions_of(api, study))
    return max(int(seen["total_available_places"]) - taken.places, 0)


def may_begin(campaign: Campaign) -> int:
    """How many people may still begin by what Prolific was last told, at most."""
    expected = dict(of_campaign(campaign).values_list("market_id", "sessions"))
    begun = Session.objects.filter(campaign=campaign, study__in=expected)
    numbers = dict(begun.order_by().values_list("study").annotate(Count("pk")))
    return sum(max(number - numbers.get(study, 0), 0) for study, number in expected.items())


def unknown(campaign: Campaign) -> list[str]:
    """Studies there by the campaign's name that the site does not know."""
    known = set(Study.objects.filter(campaign=campaign).values_list("market_id", flat=True))
    tested = {study.internal_name for study in Study.objects.filter(campaign=campaign)}
    return [
        f"study {row['id']}"
        for row in _named(client(), name_of(campaign))
        if row["id"] not in known and not any(n in row["internal_name"] for n in tested)
    ]


def of_campaign(campaign: Campaign) -> Any:
    """The campaign's studies that Prolific has, but for tests, the oldest first."""
    studies = Study.objects.filter(campaign=campaign, market_id__isnull=False, test_of=None)
    return studies.select_related("campaign").order_by("pk")


def look(api: Client, study: Study) -> dict[str, Any]:
    """Read a study and keep its state and places."""
    seen = api.read(f"/studies/{study.market_id}/")
    _keep(study, seen)
    return seen


def _keep(study: Study, seen: dict[str, Any]) -> None:
    study.state = str(seen["status"])
    study.places = int(seen["total_available_places"])
    study.save(update_fields=["state", "places"])


def _current(campaign: Campaign) -> Study:
    """The study with the campaign's reward and time; a new one where these have changed."""
    reward, minutes = campaign.session_reward, minutes_of(campaign)
    assert reward is not None  # fixed at publish
    found = Study.objects.filter(campaign=campaign, test_of=None).order_by("-pk").first()
    if found is None or (found.reward, found.minutes) != (reward, minutes):
        found = Study.objects.create(
            campaign=campaign, reward=reward, minutes=minutes, codes=new_codes()
        )
    found.campaign = campaign
    return found


def minutes_of(campaign: Campaign) -> int:
    """How long a session should take, in whole minutes: rounded up, as long as its pay by the hour
    is not under Prolific's least for that.
    """
    minutes = (campaign.session_seconds or 60) / 60
    rounded = max(math.ceil(minutes), 1)
    least = LEAST_WAGES.get(campaign.currency or "", Decimal(0)) / 60 * rounded
    if campaign.session_reward is not None and campaign.session_reward < least:
        return max(math.floor(minutes), 1)
    return rounded


def _make(api: Client, study: Study, places: int) -> None:
    """Create the draft, unless an earlier call did; its row was written before."""
    made = None
    if study.asked_at is not None:
        made = next(iter(_named(api, study.internal_name)), None)
    else:
        Study.objects.filter(pk=study.pk).update(asked_at=Now())
    if made is None:
        made = _create(api, study, places)
    study.market_id = str(made["id"])
    study.save(update_fields=["market_id"])


def _is_gone(api: Client, study: Study) -> bool:
    """Whether somebody has deleted the draft there; the site forgets it then."""
    if study.state != StudyState.UNPUBLISHED:
        return False
    try:
        api.read(f"/studies/{study.market_id}/")
    except RequestRefused as refused:
        if refused.status != 404:
            raise
        study.market_id = study.asked_at = None
        study.save(update_fields=["market_id", "asked_at"])
        return True
    return False


def _create(api: Client, study: Study, places: int) -> Any:
    """Create it with fixed pay for a practice that is not passed, else, where refused, without."""
    account = account_of(study.campaign)
    tried = bool(
        account is not None
        and practice_pay(study.campaign)
        and SCREEN_OUT in study.codes
        and may_screen_out(account)
    )
    described = study.campaign, study.internal_name, study.codes, study.minutes, places
    try:
        return api.send("POST", "/studies/", study_fields(*described, screens_out=tried))
    except RequestRefused:
        if not tried:
            raise
    made = api.send("POST", "/studies/", study_fields(*described))
    Account.objects.filter(campaign=study.campaign).update(screen_outs_refused_at=Now())
    return made


def _named(api: Client, name: str) -> Iterator[dict[str, Any]]:
    """Studies whose internal name begins so."""
    for row in api.rows("/studies/"):
        if str(row.get("internal_name") or "").startswith(name):
            yield row


def _publish(api: Client, study: Study, places: int) -> None:
    """Publish the draft, once its own cost is known and is no dearer than what was reckoned with.

    Raises CrowdError if it is: the budget is reckoned anew before the next attempt.
    """
    if study.places != places:
        _change_places(api, study, places)
    _expect(study, places)
    before = sum(surcharges(study.reward, study.campaign))
    _ask_cost(api, study)
    now = charges_of(study)
    if now > before:
        raise CrowdError(
            f"Prolific takes {now} on top of each reward of {study.reward}, more than the {before}"
            " that was reckoned with: the next sync offers as many places as the budget carries"
        )
    _move(api, study, "PUBLISH")


def charges_of(study: Study) -> Any:
    """Fee and VAT on one session, as Prolific said."""
    return (study.fee or 0) + (study.vat or 0)


def _ask_cost(api: Client, study: Study) -> None:
    """Keep the fee and the VAT on one session, by the draft's own projected cost."""
    cost = api.read(f"/studies/{study.market_id}/cost/", is_projected="true")["rewards"]
    parts = {name: amount(cost[name]["amount"]) for name in ("rewards", "fees", "tax")}
    study.fee, study.vat = (
        (parts[name] * study.reward / parts["rewards"]).quantize(CENT, ROUND_CEILING)
        for name in ("fees", "tax")
    )
    study.save(update_fields=["fee", "vat"])
    if parts["fees"]:
        share = parts["tax"] / parts["fees"]
        Account.objects.filter(campaign=study.campaign).update(vat=share)


def _adjust(api: Client, study: Study, seen: dict[str, Any], places: int, most: int | None) -> None:
    """Bring the free places of a published study to `places`; they can only be raised.

    One that holds more of them than `most`, or does not open again, is ended, and a new one made.
    """
    rows = submissions_of(api, study)
    taken = taken_of(study, rows)
    free = study.places - taken.places
    spare = math.inf if most is None else most - taken.unbegun
    places = int(min(places - taken.coming, spare))
    if places <= 0:
        if study.state == StudyState.ACTIVE and free > 0:
            _move(api, study, "PAUSE")
        expect(study, taken)
        return
    _expect(study, taken.begun + taken.unbegun + max(free, places))
    _widen(api, study, seen, rows, places)
    if free > spare or not _opens(api, study, free, places, spare):
        _renew(api, study, places)
    expect(study, taken)


def _opens(api: Client, study: Study, free: int, places: int, spare: float) -> bool:
    """Let `places` of a study be free, and it be open. False: it stays shut.

    Where it has enough of them and does not start again, one more is what reopens it, if there may
    be one more than are needed.
    """
    if free < places:
        _change_places(api, study, study.places + places - free)
    if study.state in ASLEEP:
        with contextlib.suppress(RequestRefused):
            _move(api, study, "START")
    elif study.state != StudyState.COMPLETED:  # which was full, or stopped when the campaign ended
        return True
    if study.state in SHUT and places <= free < spare:
        _expect(study, study.sessions + 1)
        _change_places(api, study, study.places + 1)
    return study.state not in SHUT


def _renew(api: Client, study: Study, places: int) -> None:
    """Go on with a new study in place of one that cannot offer what it should."""
    end(api, study)
    new = Study.objects.create(
        campaign=study.campaign, reward=study.reward, minutes=study.minutes, codes=new_codes()
    )
    _make(api, new, places)
    look(api, new)
    _publish(api, new, places)


class Taken(NamedTuple):
    """Who has the places of a study."""

    places: int  # that are taken
    begun: int  # sessions on the site, whatever became of them
    unbegun: int  # submissions that keep a place and have no session
    coming: int  # of these, whoever may still begin


def taken_of(study: Study, rows: list[dict[str, Any]]) -> Taken:
    """Who has its places, by its submissions."""
    begun = Session.objects.filter(campaign=study.campaign, study=study.market_id)
    keys = set(begun.values_list("key", flat=True))
    taken = {row["id"]: row["status"] for row in rows if row["status"] not in FREED}
    unbegun = [status for key, status in taken.items() if key not in keys]
    coming = sum(status in RUNNING for status in unbegun)
    return Taken(len(taken), len(keys), len(unbegun), coming)


def expect(study: Study, taken: Taken) -> None:
    """Keep how many people may have begun by the study in all, as Prolific has it now."""
    free = 0 if study.state in SHUT else max(study.places - taken.places, 0)
    _expect(study, taken.begun + taken.unbegun + free)


def _expect(study: Study, sessions: int) -> None:
    """Keep it; written before Prolific is told of more places."""
    study.sessions = sessions
    study.save(update_fields=["sessions"])


def submissions_of(api: Client, study: Study) -> list[dict[str, Any]]:
    """What Prolific lists of a study, in the order in which people started."""
    return list(api.rows("/submissions/", study=study.market_id, ordering="started_at"))


def _widen(
    api: Client, study: Study, seen: dict[str, Any], rows: list[dict[str, Any]], by: int
) -> None:
    """Let `by` more people be screened out by fixed pay, where as many were as there are slots.

    Where Prolific refuses, the practice of whoever comes next is paid by a bonus.
    """
    fixed = fixed_pay(seen)
    number = sum(row["status"] == SCREENED_OUT for row in rows)
    if fixed is None or number < fixed.slots:
        return
    wider = paying_code(fixed._replace(slots=number + by))
    with contextlib.suppress(RequestRefused):
        api.send("PATCH", f"/studies/{study.market_id}/", {"completion_codes": [wider]})


def _change_places(api: Client, study: Study, places: int) -> None:
    body = {"total_available_places": places}
    _change(api, study, "PATCH", f"/studies/{study.market_id}/", body)


def _move(api: Client, study: Study, action: str) -> None:
    _change(api, study, "POST", f"/studies/{study.market_id}/transition/", {"action": action})


def _change(api: Client, study: Study, method: str, path: str, body: dict[str, Any]) -> None:
    """Change a study, and keep what it is then; after an unclear answer its state is unknown."""
    before, study.state = study.state, ""
    study.save(update_fields=["state"])
    try:
        answer = api.send(method, path, body)
    except (RequestRefused, Unreachable):
        study.state = before
        study.save(update_fields=["state"])
        raise
    _keep(study, answer)


def end(api: Client, study: Study) -> None:
    """Stop a study for good; one that Prolific does not stop ends when all of it is reviewed."""
    if study.state == StudyState.COMPLETED:
        return
    look(api, study)
    if study.state == StudyState.SCHEDULED:
        _move(api, study, "CANCEL_PUBLISH")
    elif study.state in (StudyState.ACTIVE, *ASLEEP):
        try:
            _move(api, study, "STOP")
        except RequestRefused:
            if study.state != StudyState.AWAITING_REVIEW:
                raise
