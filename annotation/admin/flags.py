"""Flags in the admin: evidence for whoever reviews; read-only."""

from collections.abc import Iterable

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.widgets import History, link_to_worker
from annotation.rights import REVIEW
from tasks.models import Flag


def evidence_of(flags: Iterable[Flag]) -> str:
    """The flags as a list: what was seen, and the sentence that says why."""
    return format_html_join(
        "", "<p><b>{}</b>: {}</p>", ((flag.get_kind_display(), flag.evidence) for flag in flags)
    ) or SafeString("-")


@admin.register(Flag)
class FlagAdmin(History):
    sees = REVIEW
    links = ("worker__id__exact",)
    list_display = ["worker", "campaign", "kind", "evidence", "assignment", "at", "pictures"]
    list_filter = [("campaign", VisibleFilter), "kind"]
    list_select_related = ["worker", "campaign", "assignment"]
    search_fields = ["worker__pseudonym__exact"]
    search_help_text = "A worker's full pseudonym."

    @display(description="")
    def pictures(self, flag: Flag) -> str:
        return link_to_worker(flag.campaign, flag.worker, "as pictures")
