"""Shows the findings about a dataset's labels, folded by rule, the worst first."""

from itertools import groupby

from django.urls import reverse
from django.utils.html import format_html, format_html_join

from imagesets.labels.lint import RULES, lint
from imagesets.models import Dataset

SHOWN = 200  # of each rule; the heading says how many there are
LINKED = 20  # labels of a finding


def label_findings(dataset: Dataset) -> str:
    """What imagesets.labels.lint finds, with links to the labels concerned."""
    labels = list(dataset.labels.order_by("key"))
    ids = {label.key: label.pk for label in labels}

    def link(key: str) -> str:
        address = reverse("admin:imagesets_label_change", args=[ids[key]])
        return format_html('<a class="underline" href="{}">{}</a>', address, key)

    def item(finding) -> tuple[str, str]:
        links = format_html_join(", ", "{}", ((link(key),) for key in finding.keys[:LINKED]))
        more = len(finding.keys) - LINKED
        if more > 0:
            links = format_html("{} and {} more", links, f"{more:,}")
        return finding.text, links

    rules = []
    for rule, group in groupby(lint(labels), key=lambda finding: finding.rule):
        findings = list(group)
        rows = format_html_join("", "<li>{} ({})</li>", map(item, findings[:SHOWN]))
        rules.append((f"{RULES[rule]}: {len(findings):,}", rows))
    if not rules:
        return "Nothing found."
    return format_html_join("", "<details><summary>{}</summary><ul>{}</ul></details>", rules)
