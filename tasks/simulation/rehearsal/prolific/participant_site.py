"""The stand-in's site for a person who wants to take part in a study, as its participants do."""

from html import escape

from tasks.simulation.rehearsal.prolific.errors import NotAllowed
from tasks.simulation.rehearsal.prolific.market import ProlificMarket
from tasks.simulation.rehearsal.prolific.records import RUNNING, Study, Submission

YOU = "f" * 24  # the participant who uses the browser
PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Rehearsal of Prolific</title>'
    '<meta name="viewport" content="width=device-width"><style>body{{font:16px system-ui;'
    "margin:2rem}}form{{display:inline}}</style><main>{}</main></html>"
)


def home(market: ProlificMarket) -> str:
    """The studies that can be taken, and your own submissions."""
    with market.lock:
        studies = "".join(_row(market, study) for study in market.open_studies())
        yours = "".join(_own(market, s) for s in market.submissions.values() if _is_yours(s))
    text = f"<h1>Studies</h1><ul>{studies or '<li>none is open to you'}</ul>"
    return PAGE.format(text + (f"<h2>Your submissions</h2><ul>{yours}</ul>" if yours else ""))


def _row(market: ProlificMarket, study: Study) -> str:
    left = study.places - study.taken
    about = f"{escape(study.fields['name'])}: {study.reward / 100:.2f} {market.currency}"
    return f"<li>{about}, {left} places {_button('take', 'study', study.id)}"


def _own(market: ProlificMarket, submission: Submission) -> str:
    name = escape(submission.study.fields["name"])
    if submission.status not in RUNNING:
        return f"<li>{name}: {submission.status}"
    go_on = f'<a href="{escape(market.address_of(submission))}">go on</a>'
    return f"<li>{name}: {go_on} {_button('return', 'submission', submission.id)}"


def _button(what: str, name: str, value: str) -> str:
    return (
        f'<form method="post" action="/participant/{what}"><input type="hidden" name="{name}"'
        f' value="{escape(value)}"><button>{what}</button></form>'
    )


def _is_yours(submission: Submission) -> bool:
    return submission.participant == YOU


def take(market: ProlificMarket, study: str) -> str:
    """Take a place. Returns the study's address. Raises NotAllowed."""
    if study not in market.studies:
        raise NotAllowed("there is no such study")
    return market.address_of(market.take(market.studies[study], YOU))


def complete(market: ProlificMarket, code: str) -> None:
    """Come back with a code to the submission that you have open. Raises NotAllowed."""
    market.complete(_running(market), code)


def give_back(market: ProlificMarket, submission: str) -> None:
    """Return a submission. Raises NotAllowed."""
    found = market.submissions.get(submission)
    if found is None or not _is_yours(found):
        raise NotAllowed("it is not yours")
    market.give_back(found)


def _running(market: ProlificMarket) -> Submission:
    with market.lock:
        for submission in market.submissions.values():
            if _is_yours(submission) and submission.status in RUNNING:
                return submission
    raise NotAllowed("you take part in no study now")
