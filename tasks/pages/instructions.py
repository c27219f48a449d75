"""A campaign's own instructions, beside the built-in ones: Markdown as safe HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": False})
TAGS = {
    *("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h3", "h4", "h5", "h6"),
}


def as_html(markdown: str) -> SafeString:
    """Markdown as HTML with text, lists and links only; its headings start below the page's."""
    html = MARKDOWN.render(markdown)
    for level in (2, 1):
        html = html.replace(f"<h{level}>", "<h3>").replace(f"</h{level}>", "</h3>")
    clean = nh3.clean(html, tags=TAGS, attributes={"a": {"href", "title"}})
    return mark_safe(clean)
