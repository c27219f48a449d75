"""Assignments in the admin: who answered what, tile by tile; read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from annotation.admin.assignment_steps import AssignmentSteps
from annotation.admin.flags import evidence_of
from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import History, label_name, link_to, rounded, thumbnail
from imagesets.models import Label
from tasks.models import Assignment, Flag, HITItem
from tasks.models.assignment import AssignmentState
from tasks.models.campaign import Kind

STATE_COLOURS = {
    AssignmentState.SUBMITTED: "success",
    AssignmentState.EXPIRED: "warning",
    AssignmentState.OPEN: "info",
}


@admin.register(Assignment)
class AssignmentAdmin(AssignmentSteps, History):
    seconds, wall = rounded("active_seconds", 1), rounded("wall_seconds", 1)
    list_display = [
        "key",
        "state_label",
        "used",
        "campaign",
        "hit",
        "worker",
        "round",
        "submitted_at",
        "seconds",
    ]
    list_filter = [
        ("campaign", VisibleFilter),
        "state",
        "outcome",
        "for_person",
        "market_state",
        "set_aside",
        "imported",
        "round",
    ]
    list_select_related = ["campaign", "hit", "worker"]
    search_fields = ["key__exact", "hit__key__exact", "worker__pseudonym__exact"]
    search_help_text = "The full key of an assignment or HIT, or a worker's full pseudonym."
    ordering = ["-pk"]
    fields = [
        "state_label",
        "used",
        "campaign_link",
        "hit_link",
        "worker_link",
        "key",
        "round",
        "outcome",
        "feedback",
        "set_aside",
        "market_state",
        "paid",
        "opened_at",
        "expires_at",
        "submitted_at",
        "seconds",
        "wall",
        "comment",
        "flagged",
        "answer",
        "log",
    ]
    readonly_fields = [
        "seconds",
        "wall",
        "state_label",
        "used",
        "campaign_link",
        "hit_link",
        "worker_link",
        "paid",
        "flagged",
        "answer",
        "log",
    ]
    links = ("hit__id__exact", "worker__id__exact")
    actions_detail = ["accept", "reject", "overturn", "bonus"]

    @display(description="state", ordering="state", label=STATE_COLOURS)
    def state_label(self, assignment: Assignment) -> str:
        return assignment.state

    @display(description="used", boolean=True)
    def used(self, assignment: Assignment) -> bool:
        return assignment.used

    @display(description="campaign")
    def campaign_link(self, assignment: Assignment) -> str:
        return link_to(assignment.campaign)

    @display(description="HIT")
    def hit_link(self, assignment: Assignment) -> str:
        return link_to(assignment.hit)

    @display(description="worker")
    def worker_link(self, assignment: Assignment) -> str:
        return link_to(assignment.worker)

    @display(description="pay")
    def paid(self, assignment: Assignment) -> str:
        """Base pay, bonuses and fees: what is owed, and what has been paid."""
        payments, sum_of = assignment.payments.order_by("pk"), assignment.campaign.as_money
        return format_html_join(
            ", ",
            "{} {} ({}, {})",
            ((sum_of(p.amount), p.get_kind_display(), p.reason, p.state) for p in payments),
        ) or SafeString("-")

    @display(description="flags, to weigh")
    def flagged(self, assignment: Assignment) -> str:
        """Of this assignment, and of its worker in this campaign as a whole."""
        flags = Flag.objects.filter(campaign=assignment.campaign, worker=assignment.worker)
        return evidence_of(
            flags.filter(Q(assignment=assignment) | Q(assignment=None)).order_by("kind", "pk")
        )

    @display(description="log")
    def log(self, assignment: Assignment) -> str:
        rows = assignment.transitions.order_by("pk")
        body = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{} → {}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    f"{row.at:%Y-%m-%d %H:%M:%S}",
                    row.subject,
                    row.before,
                    row.after,
                    row.who,
                    row.why,
                )
                for row in rows
            ),
        )
        return format_html('<table class="w-full"><tbody>{}</tbody></table>', body)

    @display(description="as shown, and the answer")
    def answer(self, assignment: Assignment) -> str:
        if assignment.submitted_at is None:
            return "not answered"
        items = {
            item.position: item
            for item in HITItem.objects.filter(hit=assignment.hit).select_related("image", "label")
        }
        responses = _responses(assignment)
        rows = [
            (number, thumbnail(items[position].image), items[position].image.key, responses[number])
            for number, position in enumerate(assignment.shown)
            if position in items
        ]
        if assignment.campaign.kind == Kind.CONTAINS:
            rows = [
                (
                    number,
                    picture,
                    format_html("{}: {}", key, label_name(items[assignment.shown[number]].label)),
                    response,
                )
                for number, picture, key, response in rows
            ]
        body = format_html_join(
            "",
            '<tr><td style="text-align:right">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>',
            rows,
        )
        return format_html('<table class="w-full"><tbody>{}</tbody></table>', body)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("campaign", "hit", "worker")


def _responses(assignment: Assignment) -> list[str | SafeString]:
    """The worker's response to each item, in the order shown."""
    if assignment.campaign.kind == Kind.CONTAINS:
        words = {
            **dict.fromkeys(assignment.selected, SafeString("<b>selected</b>")),
            **dict.fromkeys(assignment.maybe, "maybe"),
            **dict.fromkeys(assignment.unseen, "not seen"),
        }
        return [words.get(position, "not selected") for position in assignment.shown]
    stored = assignment.answers or [{}] * len(assignment.shown)
    answers = [
        {} if position in assignment.unseen or not answer else answer
        for position, answer in zip(assignment.shown, stored, strict=False)
    ]
    ids = {label for answer in answers for label in answer.get("offered", [])}
    names = {label.pk: label_name(label) for label in Label.objects.filter(pk__in=ids)}
    return [_chosen(answer, names) for answer in answers]


def _chosen(answer: dict[str, Any], names: dict[int, str]) -> str | SafeString:
    """The response to an image: the labels offered, which were selected, which is the main one."""
    if not answer:
        return "not seen"
    selected = answer.get("selected", [])
    if not selected:
        other = answer.get("other")
        return f"none of these: {other}" if other else "none of these"
    return format_html_join(
        ", ",
        "{}{}{}",
        (
            (
                "\N{CHECK MARK} " if label in selected else "",
                names.get(label, label),
                " (main)" if label == answer.get("main") else "",
            )
            for label in answer.get("offered", [])
        ),
    )
