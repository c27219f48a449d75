"""People who come from the bazaar, and a sync that looks at both sides."""

from decimal import Decimal

from tasks import money
from tasks.crowds import SessionVisit
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Payment, Session, Worker
from tasks.models.session import SessionOutcome
from tasks.work.beginning import begin
from tasks.work.claiming import next_assignment
from tasks.work.sessions import end
from tasks.work.submitting import submit
from tests.factories import answer_no
from tests.studies.bazaar import Bazaar


class Person:
    """Somebody who comes from the bazaar."""

    def __init__(self, campaign: Campaign, bazaar: Bazaar, name: str) -> None:
        self.campaign, self.bazaar = campaign, bazaar
        self.worker = Worker.of("bazaar", name)
        self.key = bazaar.take(name)

    def begin(self) -> "Person":
        begin(self.campaign, self.worker, SessionVisit(self.key, self.worker.external_id, "study"))
        return self

    def answer(self, number: int = 1, goes_on: bool = False) -> "Person":
        for _ in range(number):
            assignment = next_assignment(self.campaign, self.worker, goes_on)
            submit(assignment, answer_no(assignment))
        return self

    def finish(self) -> "Person":
        end(self.session, SessionOutcome.DONE, "a test")
        return self.hand_in()

    def hand_in(self) -> "Person":
        self.bazaar.stalls[self.key].status = "submitted"
        return self

    @property
    def session(self) -> Session:
        return Session.objects.get(key=self.key)

    @property
    def answers(self):
        return Assignment.objects.filter(session__key=self.key, submitted_at__isnull=False)


def in_step(campaign: Campaign, bazaar: Bazaar) -> None:
    """Sync, and check that both sides agree to the cent and that the budget holds."""
    done = sync(campaign)
    assert done.troubles == []
    assert done.differences == []
    assert money.spent(campaign) <= money.committed(campaign) <= campaign.budget
    people = Payment.objects.exclude(kind__in=["fee", "vat"])
    assert sum(people.values_list("amount", flat=True), Decimal(0)) == bazaar.spent
