"""What a person may decide about an answer: accept, reject, overturn a rejection, add a bonus."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from annotation.admin.guarded import Guarded
from annotation.admin.steps import AskWhy, Step, ask_first
from annotation.rights import REVIEW, SPEND, may
from tasks import money
from tasks.models import Assignment
from tasks.models.assignment import Outcome
from tasks.work import review


class AskFeedback(forms.Form):
    """Why an answer is rejected, for its worker."""

    feedback = forms.CharField(
        label="Reason, which the worker reads",
        max_length=1000,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


class AskBonus(forms.Form):
    """How much, and what for."""

    amount = forms.DecimalField(
        label="Sum, in the campaign's currency",
        min_value=Decimal("0.01"),
        max_digits=7,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    reason = forms.CharField(
        label="Reason, which the worker reads; a second bonus for the same reason is not paid",
        max_length=1000,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )


class AssignmentSteps(Guarded):
    """The steps that an assignment's outcome allows."""

    def has_review_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, REVIEW, object_id)

    def has_bonus_permission(self, request: HttpRequest, object_id: str) -> bool:
        assignment = self.row(request, object_id)
        return may(request.user, REVIEW, assignment) and may(request.user, SPEND, assignment)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list:
        allowed = _allowed(self.row(request, object_id))
        return [
            step
            for step in super().get_actions_detail(request, object_id)
            if step.action_name.rpartition("_")[2] in allowed
        ]

    @action(description="Accept", permissions=["review"], icon="check")
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        assignment = self.row(request, object_id)
        price = money.price(assignment.campaign, assignment.hit)
        step = Step(
            title=f"Accept {assignment.key}",
            consequences=[
                f"The worker is paid: {assignment.campaign.as_money(price)} with the fee. That"
                " cannot be undone.",
            ],
            button="Accept",
            form=AskWhy,
        )

        def take(answers: dict[str, Any]) -> str:
            review.accept(assignment, request.user.get_username(), answers["why"])
            return "Accepted."

        return ask_first(self, request, assignment, step, take)

    @action(description="Reject", permissions=["review"], icon="close")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        assignment = self.row(request, object_id)
        step = Step(
            title=f"Reject {assignment.key}",
            consequences=[
                "The worker is not paid for it, and reads why. It may cost them other work.",
                "The answer leaves the results, and another worker is asked instead.",
                "A rejection can be overturned, on a marketplace within 30 days.",
            ],
            button="Reject",
            form=AskFeedback,
            danger=True,
        )

        def take(answers: dict[str, Any]) -> str:
            review.reject(assignment, answers["feedback"], request.user.get_username())
            return "Rejected."

        return ask_first(self, request, assignment, step, take)

    @action(description="Overturn", permissions=["review"], icon="undo")
    def overturn(self, request: HttpRequest, object_id: str) -> HttpResponse:
        assignment = self.row(request, object_id)
        step = Step(
            title=f"Overturn the rejection of {assignment.key}",
            consequences=[
                "The answer is accepted after all, and paid.",
                "It counts again if its HIT still needs an answer.",
            ],
            button="Accept after all",
            form=AskWhy,
        )

        def take(answers: dict[str, Any]) -> str:
            counts = review.overturn(assignment, request.user.get_username(), answers["why"])
            return "Accepted, and it counts." if counts else "Accepted; it does not count."

        return ask_first(self, request, assignment, step, take)

    @action(description="Bonus", permissions=["bonus"], icon="redeem")
    def bonus(self, request: HttpRequest, object_id: str) -> HttpResponse:
        assignment = self.row(request, object_id)
        step = Step(
            title=f"Give a bonus for {assignment.key}",
            consequences=["It is owed from now on, and paid with the next sync."],
            button="Give the bonus",
            form=AskBonus,
        )

        def take(answers: dict[str, Any]) -> str:
            payment = money.owe_bonus(assignment, answers["amount"], answers["reason"])
            return f"{assignment.campaign.as_money(payment.amount)} is owed."

        return ask_first(self, request, assignment, step, take)


def _allowed(assignment: Assignment) -> list[str]:
    if assignment.imported or assignment.submitted_at is None:
        return []
    if assignment.outcome == Outcome.NONE:
        return ["accept", "reject"] if assignment.campaign.rejection else ["accept"]
    return ["overturn"] if assignment.outcome == Outcome.REJECTED else ["bonus"]
