"""Which request is which operation of Prolific's API."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tasks.simulation.rehearsal.prolific.market import ProlificMarket

ID = "([^/]+)"


class Operation(NamedTuple):
    """One row of the table: how it is asked for, its name in schemas.json, and what it does."""

    method: str
    path: re.Pattern[str]
    name: str
    status: int
    carry_out: Callable[..., Any]

    def matches(self, method: str, path: str) -> tuple[str, ...] | None:
        """The ids in the path; None: the request is for another operation."""
        found = self.path.fullmatch(path) if method == self.method else None
        return None if found is None else found.groups()


def _row(method: str, path: str, name: str, do: Callable[..., Any], status: int = 200) -> Operation:
    return Operation(method, re.compile(path.replace("{}", ID)), name, status, do)


_M = ProlificMarket
API = "/api/v1"
KEYS = "/.well-known/study/jwks.json"
OPERATIONS = (
    _row("GET", "/workspaces/", "my workspaces", _M.my_workspaces),
    _row("GET", "/workspaces/{}/balance/", "balance", _M.balance),
    _row("GET", "/projects/{}/", "a project", _M.a_project),
    _row("POST", "/study-cost-calculator/", "calculate cost", _M.calculate_cost),
    _row("POST", "/eligibility-count/", "count eligible", _M.count_eligible),
    _row("GET", "/studies/", "list studies", _M.list_studies),
    _row("POST", "/studies/", "create study", _M.create_study, 201),
    _row("GET", "/studies/{}/", "a study", _M.a_study),
    _row("PATCH", "/studies/{}/", "change study", _M.change_study),
    _row("POST", "/studies/{}/transition/", "move study", _M.move_study),
    _row("GET", "/studies/{}/cost/", "cost of study", _M.cost_of_study),
    _row("POST", "/studies/{}/test-study", "test study", _M.test_study),
    _row("GET", "/studies/{}/submissions/", "submissions of study", _M.submissions_of_study),
    _row("GET", "/studies/{}/submissions/counts/", "count submissions", _M.count_submissions),
    _row("POST", "/studies/{}/demographic-export/", "demographics", _M.demographics_of),
    _row("GET", "/submissions/", "list submissions", _M.list_submissions),
    _row("POST", "/submissions/bulk-approve/", "approve many", _M.approve_many),
    _row("POST", "/submissions/bonus-payments/", "set up bonuses", _M.set_up_bonuses, 201),
    _row("GET", "/submissions/{}/", "a submission", _M.a_submission),
    _row("POST", "/submissions/{}/transition/", "move submission", _M.move_submission),
    _row("POST", "/submissions/{}/request-return/", "request return", _M.request_return),
    _row("POST", "/bulk-bonus-payments/{}/pay/", "pay bonuses", _M.pay_bonuses, 202),
    _row("GET", "/messages/unread/", "unread messages", _M.unread_messages),
    _row("POST", "/researchers/participants/", "make test participant", _M.make_participant, 201),
    _row("GET", "/hooks/secrets/", "list secrets", _M.list_secrets),
    _row("POST", "/hooks/secrets/", "make secret", _M.make_secret, 201),
    _row("GET", "/hooks/subscriptions/", "list subscriptions", _M.list_subscriptions),
    _row("POST", "/hooks/subscriptions/", "subscribe", _M.subscribe, 201),
    _row("POST", "/hooks/subscriptions/{}/", "confirm subscription", _M.confirm_subscription),
)
PUBLIC = (_row("GET", KEYS, "keys", _M.keys),)


def operation_for(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    """The operation that a request asks for, and the ids in its path."""
    rows: Mapping[bool, tuple[Operation, ...]] = {True: OPERATIONS, False: PUBLIC}
    inside = path.startswith(f"{API}/")
    for operation in rows[inside]:
        ids = operation.matches(method, path.removeprefix(API) if inside else path)
        if ids is not None:
            return operation, ids
    return None
