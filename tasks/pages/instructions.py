"""A campaign's own instructions, beside the built-in ones: Markdown as safe HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": False})
TAGS = {
    *("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h2", "h3", "h4", "h5", "h6"),
}


def as_html(markdown: str) -> SafeString:
    """Markdown as HTML with text, lists and links only.

    Its headings start right below the page's, and none is more than a level below the one before.
    """
    tokens = MARKDOWN.parse(markdown)
    level = 1
    for token in tokens:
        if token.type == "heading_open":
            level = min(int(token.tag[1]) + 1, level + 1, 6)
        if token.type.startswith("heading_"):
            token.tag = f"h{level}"
    html = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    clean = nh3.clean(html, tags=TAGS, attributes={"a": {"href", "title"}})
    return mark_safe(clean)
