"""The ledger and the known answers in the admin, read-only."""

from django.contrib import admin
from unfold.decorators import display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import History, label_name, thumbnail
from tasks.models import KnownAnswer, Payment


@admin.register(Payment)
class PaymentAdmin(History):
    list_display = [
        *("at", "campaign", "kind", "dollars", "state", "who", "assignment", "reason", "paid_at"),
    ]
    list_filter = [("campaign", VisibleFilter), "kind", "state"]
    list_select_related = ["campaign", "assignment__worker", "practice__worker"]
    search_fields = ["assignment__key__exact", "request_key__exact", "market_ref__exact"]
    search_help_text = "A full assignment key, request key or id at the marketplace."

    @display(description="amount", ordering="amount")
    def dollars(self, payment: Payment) -> str:
        return payment.campaign.as_money(payment.amount)

    @display(description="worker")
    def who(self, payment: Payment) -> str:
        return payment.worker.pseudonym


@admin.register(KnownAnswer)
class KnownAnswerAdmin(History):
    list_display = ["picture", "image", "label_named", "present", "imported_at"]
    list_filter = [("dataset", VisibleFilter), "present"]
    list_select_related = ["image", "label"]
    search_fields = ["image__key__exact", "label__key__exact"]
    ordering = ["-pk"]

    @display(description="")
    def picture(self, answer: KnownAnswer) -> str:
        return thumbnail(answer.image)

    @display(description="label")
    def label_named(self, answer: KnownAnswer) -> str:
        return label_name(answer.label)
