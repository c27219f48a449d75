"""Which of the choices somebody probably meant by a word that is none of them."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(word: str, choices: Iterable[str]) -> str:
    """A sentence, " Did you mean contains?", or "" if no choice is like the word."""
    by_form = {choice.casefold(): choice for choice in choices}
    like = get_close_matches(word.strip().casefold(), by_form, n=1)
    return f" Did you mean {by_form[like[0]]}?" if like else ""
