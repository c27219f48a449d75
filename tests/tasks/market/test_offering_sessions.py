"""How many sessions a marketplace is asked for, and that the budget holds them (S6)."""

from decimal import Decimal

from tasks import money
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Place, Session
from tasks.models.session import SessionOutcome
from tasks.work.claiming import conclude, next_assignment
from tasks.work.sessions import end
from tests.studies.bazaar_people import Person, in_step


def test_as_many_sessions_are_offered_as_the_open_places_need(campaign, bazaar):
    places = Place.objects.filter(campaign=campaign).count()
    assert campaign.session_hits == 2
    assert bazaar.places == -(-places // 2)
    ada = Person(campaign, bazaar, "ada").begin()
    sync(campaign)
    assert bazaar.places == -(-(places - 2) // 2)
    ada.answer()
    sync(campaign)
    assert bazaar.places == -(-(places - 2) // 2)
    bazaar.stalls[ada.key].status = "returned"
    sync(campaign)
    assert bazaar.places == -(-(places - 1) // 2)


def test_a_hit_that_is_worked_on_beyond_a_session_asks_for_nobody_else(campaign, bazaar):
    places = Place.objects.filter(campaign=campaign).count()
    for name in ("ada", "bob"):
        person = Person(campaign, bazaar, name).begin().answer(2)
        assert next_assignment(campaign, person.worker, goes_on=True).is_extra
    sync(campaign)
    assert bazaar.places == -(-(places - 6) // 2)


def test_no_more_are_offered_than_the_budget_carries(campaign, bazaar):
    price = money.cost_of_sessions(campaign, 1).total
    Campaign.objects.update(budget=price * 3 - Decimal("0.01"))
    sync(campaign)
    assert bazaar.places == 2
    Person(campaign, bazaar, "ada").begin()
    sync(campaign)
    assert bazaar.places == 1


def test_the_next_rounds_sessions_are_offered_in_their_turn(campaign, bazaar):
    number = 0
    while campaign.state == "open" and number < 40:
        if not bazaar.places:
            in_step(campaign, bazaar)
        if not bazaar.places:
            break
        person = Person(campaign, bazaar, f"person-{number}").begin()
        number += 1
        while next_assignment(campaign, person.worker):
            person.answer()
        session = conclude(campaign, person.session)
        if session.is_running:
            person.finish()
        else:
            person.hand_in()
        in_step(campaign, bazaar)
    assert campaign.state == "finished"
    used = Assignment.objects.filter(campaign=campaign, outcome="accepted", set_aside=False)
    assert used.count() == campaign.workers_per_item * campaign.hits.count()


def test_the_budget_holds_what_the_marketplace_may_yet_pay(campaign, bazaar):
    price = money.price_of(campaign, campaign.session_reward)
    Campaign.objects.update(budget=price * 3)

    def offered_after_a_sync() -> int:
        assert sync(campaign).differences == []
        promised = money.held(campaign) + price * bazaar.may_begin(campaign)
        assert promised <= campaign.budget
        return bazaar.places

    assert offered_after_a_sync() == 3
    people = [Person(campaign, bazaar, name) for name in ("ada", "bob", "eve")]
    end(people[0].begin().session, SessionOutcome.NO_CONSENT, "a test")
    end(people[1].begin().session, SessionOutcome.DEVICE, "a test")
    Session.objects.update(kept_until="2020-01-01T00:00Z")
    assert offered_after_a_sync() == 0
    for person in people:  # eve with a code, without having begun
        person.hand_in()
    assert offered_after_a_sync() == 0
    assert campaign.state == "open"  # it waits for what may come back
    bazaar.stalls[people[0].key].status = "returned"
    assert offered_after_a_sync() == 1
    bazaar.approve_what_waits(campaign)
    assert offered_after_a_sync() == 1
    assert money.spent(campaign) == price * 2


def test_a_bonus_takes_no_money_from_those_who_may_begin(campaign, bazaar):
    price = money.price_of(campaign, campaign.session_reward)
    Campaign.objects.update(budget=price * 2)
    sync(campaign)
    ada = Person(campaign, bazaar, "ada").begin().answer(2)
    assert bazaar.places == 1
    assert next_assignment(campaign, ada.worker, goes_on=True) is None
    bazaar.places = 0
    assert next_assignment(campaign, ada.worker, goes_on=True) is not None


def test_whoever_comes_back_is_promised_no_more_than_is_held_for_them(campaign, bazaar):
    Campaign.objects.update(budget=money.price_of(campaign, campaign.session_reward))
    sync(campaign)
    ada = Person(campaign, bazaar, "ada").begin()
    end(ada.session, SessionOutcome.NO_CONSENT, "a test")
    assert ada.begin().session.is_running
