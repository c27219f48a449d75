"""What counts is what was handed in, by MTurk's word: whenever it comes, whatever it holds."""

import pytest
from django.utils import timezone

from tasks.crowds import MarketAssignment
from tasks.crowds.mturk import marketplace
from tasks.market.reconcile import reconcile
from tasks.market.sync import sync
from tasks.models import Assignment
from tasks.models.refused import Refused
from tasks.work.review import accept
from tests.studies.framed import Frame, first, hand_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_nobody_accepts_what_was_not_handed_in_yet(contains, market, server):
    frame = Frame(market, server, "A1")
    response = frame.send(frame.open(), first)
    with pytest.raises(Refused, match="next sync will say whether it was handed in"):
        accept(Assignment.objects.get(), "a reviewer")
    hand_in(frame, response)
    reconcile(contains, next(iter(marketplace.fetch(contains))))
    accept(Assignment.objects.get(), "a reviewer")
    assert Assignment.objects.get().used


def test_an_answer_that_only_mturk_has_is_taken_from_its_form(campaign, market, server):
    frame = Frame(market, server, "A1")
    response = frame.send(frame.open(), first)
    hand_in(frame, response)
    before = Assignment.objects.values("shown", "selected", "answers").get()
    place = Assignment.objects.get().place
    place.holder, place.free_at = None, timezone.now()
    place.save()
    Assignment.objects.all().delete()  # as after a restored backup
    sync(campaign)
    again = Assignment.objects.get()
    assert {name: getattr(again, name) for name in before} == before
    assert again.used
    assert len(market.payments) == 1


def test_what_was_handed_in_without_an_answer_is_paid_and_not_used(contains, market, server):
    frame = Frame(market, server, "A1")
    market.hand_in(frame.accepted.id, [("answer", "{}")])
    sync(contains)
    done = Assignment.objects.get()
    assert (done.outcome, done.used, done.market_state) == ("accepted", False, "approved")
    (hit,) = market.hits.values()
    assert hit.max_assignments == 4
    frame = Frame(market, server, "A2")
    assert frame.open().status_code == 200


def test_the_marketplaces_word_counts_whenever_it_comes(contains, market, server):
    frame = Frame(market, server, "A1")
    frame.send(frame.open(), first)
    hit = contains.hits.get()
    for status in ("expired", "submitted", "submitted"):
        reconcile(contains, MarketAssignment(frame.accepted.id, hit.pk, "A1", status))
    assert Assignment.objects.get().market_state == "submitted"
