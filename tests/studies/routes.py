"""Every route of the site, from the URL resolver: its name, and an address made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """A leaf of the resolver; `pattern`: what its address looks like, `{name}` for its parts."""

    name: str
    pattern: str

    def address(self, **parts: object) -> str:
        return self.pattern.format(**parts)


def routes() -> list[Route]:
    """All routes. One without a name goes by the name of its view's class or function."""
    return list(_below(get_resolver(), "/", ""))


def _below(resolver: URLResolver, prefix: str, space: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            view = getattr(entry.callback, "view_class", entry.callback).__name__
            yield Route(space + (entry.name or view), prefix + _readable(entry.pattern))
        else:
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _below(entry, prefix + _readable(entry.pattern), inner)


def _readable(pattern: object) -> str:
    text = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern))
    text = re.sub(r"\(\?P\{(\w+)\}.*?\)(?=[/$])", r"{\1}", text)
    return text.replace("^", "").replace("$", "")
