"""The marketplace's site for a person who wants to see a study in a frame, as its workers do."""

from html import escape
from urllib.parse import urlencode

from tasks.simulation.rehearsal.market import Market, NotAllowed
from tasks.simulation.rehearsal.records import HIT, Assignment

YOU = "AYOU"  # the worker id of whoever uses the browser
SHOWN = 50  # HITs in the list
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Rehearsal of MTurk</title>'
    '<meta name="viewport" content="width=device-width"><style>body{{font:16px system-ui;margin:0}}'
    "main{{padding:12px 16px}}iframe{{width:100%;height:82vh;border:0;border-top:1px solid #888}}"
    "form{{display:inline}}</style><main>{}</main>{}</html>"
)


def home(market: Market) -> str:
    """The HITs that can be accepted."""
    with market.lock:
        hits = market.open_hits()
        rows = "".join(_row(hit) for hit in hits[:SHOWN])
    text = f"<h1>{len(hits)} HITs to accept</h1><ul>{rows}</ul>"
    return PAGE.format(
        text if hits else "<h1>No HITs</h1><p>Publish a campaign, then look again.</p>", ""
    )


def _row(hit: HIT) -> str:
    title = escape(hit.type.fields["Title"])
    look = f'<a href="/worker/preview?{urlencode({"hit": hit.id})}">preview</a>'
    return f"<li>{title}, ${hit.type.reward:.2f}: {look} {_button('accept', 'hit', hit.id)}</li>"


def _button(what: str, name: str, value: str) -> str:
    return (
        f'<form method="post" action="/worker/{what}"><input type="hidden" name="{name}"'
        f' value="{escape(value)}"><button>{what}</button></form>'
    )


def preview(market: Market, hit_id: str) -> str:
    """A HIT in its frame before anybody accepts it. Raises NotAllowed."""
    hit = _hit(market, hit_id)
    frame = _frame(market, hit, {"assignmentId": PREVIEW, "hitId": hit.id})
    return PAGE.format(f"Preview. {_button('accept', 'hit', hit.id)}", frame)


def accept(market: Market, hit_id: str) -> str:
    """Accept a HIT. Returns the address of its page. Raises NotAllowed."""
    accepted = market.accept(_hit(market, hit_id), YOU)
    return f"/worker/work?{urlencode({'assignment': accepted.id})}"


def work(market: Market, address: str, assignment_id: str) -> str:
    """An accepted HIT in its frame. Raises NotAllowed."""
    assignment = _yours(market, assignment_id)
    parameters = {
        "assignmentId": assignment.id,
        "hitId": assignment.hit.id,
        "workerId": YOU,
        "turkSubmitTo": address,
    }
    text = f"Accepted. {_button('return', 'assignment', assignment.id)}"
    return PAGE.format(text, _frame(market, assignment.hit, parameters))


def give_back(market: Market, assignment_id: str) -> None:
    """Return a HIT. Raises NotAllowed."""
    market.give_up(_yours(market, assignment_id))


def _frame(market: Market, hit: HIT, parameters: dict[str, str]) -> str:
    address = f"{market.external_url(hit)}?{urlencode(parameters)}"
    return f'<iframe src="{escape(address)}" title="The HIT"></iframe>'


def _hit(market: Market, hit_id: str) -> HIT:
    if (hit := market.hits.get(hit_id)) is None:
        raise NotAllowed("there is no such HIT")
    return hit


def _yours(market: Market, assignment_id: str) -> Assignment:
    with market.lock:
        for hit in market.hits.values():
            for assignment in hit.running(market.clock.now()):
                if (assignment.id, assignment.worker) == (assignment_id, YOU):
                    return assignment
    raise NotAllowed("you are not working on this: it was handed in, or its time is over")
