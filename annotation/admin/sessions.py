"""Sessions in the admin, read-only: who came, how it ended, what the marketplace says of it."""

from django.contrib import admin
from unfold.decorators import display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import History
from tasks.models import Session


@admin.register(Session)
class SessionAdmin(History):
    list_display = ["began_at", "campaign", "who", "outcome", "market_state", "pay", "ended_at"]
    list_filter = [("campaign", VisibleFilter), "outcome", "market_state", "is_test"]
    list_select_related = ["campaign", "worker"]
    exclude = ["key", "token"]

    @display(description="worker", ordering="worker__pseudonym")
    def who(self, session: Session) -> str:
        return session.worker.pseudonym

    @display(description="base pay", ordering="reward")
    def pay(self, session: Session) -> str:
        return session.campaign.as_money(session.reward)
