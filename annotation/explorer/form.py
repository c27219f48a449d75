"""The fields of the filters' form: what is typed; what is chosen in facets goes along hidden."""

from dataclasses import dataclass, fields

from annotation.explorer.filters import CHOICES, Filters
from annotation.explorer.view import View

WORDS = {
    "label": "Dataset label",
    "shows": "Selected by at least half",
    "main": "Main label",
    "of": "SF and posterior of (else: the dataset label)",
    "sf_from": "SF from",
    "sf_to": "SF to",
    "posterior_from": "Posterior from",
    "posterior_to": "Posterior to",
}
MOST_NAMES = 200
OF_CONTAINS = ("shows", "of", "sf_from", "sf_to", "posterior_from", "posterior_to")


@dataclass(frozen=True)
class Field:
    """A field to type in; `hint` of a number."""

    id: str
    name: str
    label: str
    value: str
    hint: str = ""


def fields_of(view: View) -> list[Field]:
    """The fields, with what the view has."""
    filters, made = view.filters, []
    for name in ("label", "shows", "main", "of"):
        if not _applies(view, name):
            continue
        values = [getattr(filters, name)] if name == "of" else list(getattr(filters, name))
        room = 2 if name == "shows" else 1
        for number, value in enumerate(values + [""] * max(0, room - len(values))):
            words = WORDS[name] if not number else "and" if name == "shows" else "or"
            made.append(Field(f"{name}-{number}", name, words, value))
    for name in ("sf_from", "sf_to", "posterior_from", "posterior_to"):
        if _applies(view, name):
            hint = "0" if name.endswith("from") else "1"
            made.append(Field(name, name, WORDS[name], getattr(filters, name), hint))
    return made


def _applies(view: View, name: str) -> bool:
    if name == "main":
        return view.classify is not None
    return name not in OF_CONTAINS or view.contains is not None


def names_of_labels(view: View) -> list[str]:
    """Names to choose from while typing; none where there are too many for a page."""
    names = list(view.dataset.labels.values_list("names__0", flat=True)[: MOST_NAMES + 1])
    return sorted(set(names)) if len(names) <= MOST_NAMES else []


def hidden_of(view: View) -> list[tuple[str, str]]:
    """What the facets have chosen, which the form sends along."""
    chosen = (*CHOICES, "right", "wrong")
    return [
        (field.name, value)
        for field in fields(Filters)
        if field.name in chosen
        for value in getattr(view.filters, field.name)
    ]
