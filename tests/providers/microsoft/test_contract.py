"""The proxy notices what is not as Microsoft describes it.

Where the description does not lie beside the checkout there is nothing to be noticed:
the list of contracts is empty then, and so is the list of cases.
"""

import json
from collections.abc import Callable
from itertools import count

import pytest
import requests

from tests.contracts.drafts import a_draft
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.microsoft.account import connected_secrets
from tests.providers.microsoft.contract import Contract, Violation, read_contract
from tests.providers.microsoft.proxy import ValidatingProxy
from tests.providers.microsoft.server import FakeMicrosoft

HEADERS = {
    "authorization": "Bearer token",
    "content-type": "application/json",
    "prefer": 'IdType="ImmutableId", outlook.timezone="UTC"',
}
EVENTS = "/me/calendars/1/events"
GOOD = {"subject": "x", "start": {"dateTime": "2026-06-01T09:00:00", "timeZone": "UTC"}}

Check = Callable[[Contract], None]


def request(
    method: str, target: str, body: object = None, **headers: str
) -> Callable[[Contract], None]:
    content = b"" if body is None else json.dumps(body).encode()
    return lambda contract: contract.check_request(
        method, target, HEADERS | headers, content
    )


def answer(
    method: str, target: str, status: int, body: object = None
) -> Callable[[Contract], None]:
    content = b"" if body is None else json.dumps(body).encode()
    return lambda contract: contract.check_answer(method, target, status, content)


@pytest.mark.parametrize(
    "check",
    [
        request("GET", EVENTS, prefer='outlook.timezone="UTC"'),
        request("GET", EVENTS, prefer='IdType="ImmutableId"'),
        request("GET", EVENTS, authorization=""),
        request("GET", "/me/nothing"),
        request("PUT", EVENTS, {}),
        request("GET", "/me/calendars/1/calendarView"),
        request("GET", "/me/calendars/1/calendarView?startDateTime=1"),
        request("GET", "/me/calendars/1/calendarView/delta?$select=id"),
        request("GET", "/me/calendars/1/calendarView/delta?$filter=id"),
        request("GET", f"{EVENTS}?$select=id,nothing"),
        request("GET", f"{EVENTS}?$top=many"),
        request("GET", EVENTS, **{"if-match": "1"}),
        request("POST", EVENTS),
        request("POST", EVENTS, GOOD | {"showAs": "asleep"}),
        request("POST", EVENTS, GOOD | {"start": "2026-06-01"}),
        request("POST", EVENTS, GOOD | {"recurrence": None}),
        request("POST", EVENTS, GOOD | {"titel": "x"}),
        request("POST", EVENTS, GOOD, **{"content-type": "text/plain"}),
        request("POST", "/subscriptions", {"expirationDateTime": "tomorrow"}),
        answer("POST", EVENTS, 200, {"id": "1"}),
        answer("POST", EVENTS, 201),
        answer("POST", EVENTS, 201, {"id": 1}),
        answer("GET", EVENTS, 200, {"value": {}}),
        answer("GET", EVENTS, 404, {"message": "x"}),
        answer("DELETE", f"{EVENTS}/1", 204, {}),
    ],
    ids=count(),
)
def test_what_is_noticed(check: Check) -> None:
    for contract in filter(None, [read_contract()]):
        with pytest.raises((Violation, ValueError)):
            check(contract)


@pytest.mark.parametrize(
    "check",
    [
        request("POST", EVENTS, GOOD),
        request("PATCH", f"{EVENTS}/1", GOOD, **{"if-match": "1"}),
        request("GET", "/me"),
        request("GET", f"{EVENTS}?$select=id,showAs"),
        answer("POST", EVENTS, 201, {"id": "1", "recurrence": None}),
        answer("GET", EVENTS, 404, {"error": {"code": "x", "message": "x"}}),
        answer("PATCH", f"{EVENTS}/1", 200, {"id": "1"}),
        answer("PATCH", f"{EVENTS}/1", 204),
    ],
    ids=count(),
)
def test_what_is_well(check: Check) -> None:
    for contract in filter(None, [read_contract()]):
        check(contract)


async def test_everything_goes_through_the_proxy(
    examined: Examined, api_url: str, microsoft: FakeMicrosoft
) -> None:
    await WritingExam.put(examined, a_draft())
    assert api_url.startswith(microsoft.url) == (read_contract() is None)


def test_proxy_notes_both_directions(microsoft: FakeMicrosoft) -> None:
    for contract in filter(None, [read_contract()]):
        proxy = ValidatingProxy(microsoft.url, contract)
        try:
            token = connected_secrets(microsoft)["accessToken"]
            microsoft.mailbox.calendars[microsoft.mailbox.main].name = 7  # type: ignore[assignment]  # what must be noticed
            url = f"{proxy.url}/v1.0/me/calendars"
            headers = {"authorization": f"Bearer {token}"}
            assert requests.get(url, headers=headers, timeout=10).status_code == 200
            assert len(proxy.violations) == 2
        finally:
            proxy.close()
