"""The sandbox's own rules, asked by a client that is not ours."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contracts.drafts import NINE, at
from tests.contracts.pushes import Receiver
from tests.harness.island import wait_for
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.providers.contract import Contract, read_contract
from tests.providers.sandbox_world import SandboxWorld
from universal_calendar.cli.sandbox import sandbox as run_sandbox
from universal_calendar.cli.serve import CannotListen

SECONDS = 10
START = {"at": "2026-06-01T09:00:00Z"}
END = {"at": "2026-06-01T10:00:00Z"}
FUZZING = """
generation.max-examples = 30
seed = 1
continue-on-failure = true
[parameters]
"path.calendarId" = "{}"
"""
EVENT: dict[str, Any] = {"title": "Anything", "start": START, "end": END}


class Owner:
    """Speaks the sandbox's protocol with plain requests."""

    def __init__(self, sandbox: Sandbox, account: SandboxAccount) -> None:
        self.calendar = account.calendar_id
        self._url = f"{sandbox.url}/v1"
        token = account.credentials["accessToken"]
        self.headers = {"authorization": f"Bearer {token}"}

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        return requests.request(
            method,
            f"{self._url}/{path}",
            json=body,
            headers={**self.headers, **headers},
            timeout=SECONDS,
        )

    def events(
        self, method: str, rest: str = "", body: object = None, **headers: str
    ) -> requests.Response:
        return self(method, f"calendars/{self.calendar}/events{rest}", body, **headers)


@pytest.fixture
def owner(sandbox: Sandbox, account: SandboxAccount) -> Owner:
    return Owner(sandbox, account)


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_id_is_burnt_for_good(owner: Owner) -> None:
    event = {**EVENT, "id": "abcde"}
    assert owner.events("POST", body=event).status_code == 200
    assert code(owner.events("POST", body=event)) == (409, "duplicate")
    assert owner.events("DELETE", "/abcde").status_code == 204
    assert code(owner.events("DELETE", "/abcde")) == (410, "deleted")
    assert code(owner.events("POST", body=event)) == (409, "duplicate")
    assert code(owner.events("GET", "/abcde")) == (410, "deleted")


def test_etag_guards_against_others(owner: Owner) -> None:
    first = owner.events("POST", body={**EVENT, "id": "abcde"})
    etag = {"if-match": first.headers["etag"]}
    assert first.json()["etag"] == first.headers["etag"]
    assert owner.events("PUT", "/abcde", EVENT, **etag).status_code == 200
    assert code(owner.events("PUT", "/abcde", EVENT, **etag)) == (412, "changed")
    assert code(owner.events("DELETE", "/abcde", **etag)) == (412, "changed")
    assert owner.events("DELETE", "/abcde").status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"id": "ABC"},
        {"id": "abcd"},
        {"id": "abcde\n"},
        {"title": None},
        {"title": 7},
        {"end": START},
        {"end": {"date": "2026-06-02"}},
        {"start": {"at": "2026-02-30T09:00:00Z"}},
        {"start": {"at": "2026-06-01T09:00:00+01:00"}},
        {"start": {}},
        {"start": {**START, "date": "2026-06-01"}},
        {"timeZone": "Mars/Olympus"},
        {"status": "cancelled"},
        {"recurrence": {"every": "day", "count": 0}},
        {"properties": {"number": 7}},
        {"surprise": True},
    ],
)
def test_event_that_cannot_be(owner: Owner, change: dict[str, Any]) -> None:
    answer = owner.events("POST", body={**EVENT, **change})
    assert code(answer) == (400, "invalid_request")


def test_bodies_that_are_refused(owner: Owner, sandbox: Sandbox) -> None:
    large = {**EVENT, "description": "a" * 300_000}
    assert code(owner.events("POST", body=large)) == (413, "too_large")
    form = requests.post(
        f"{sandbox.url}/control/accounts", data='{"account":"a"}', timeout=SECONDS
    )
    assert code(form) == (415, "not_json")


def test_stranger_sees_nothing(
    owner: Owner, sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    stranger = Owner(sandbox, sandbox.account(f"stranger {request.node.name}"))
    stranger.calendar = owner.calendar
    assert code(stranger.events("GET")) == (404, "no_such_calendar")
    assert code(stranger.events("POST", body=EVENT)) == (404, "no_such_calendar")
    stranger.headers = {}
    assert code(stranger.events("GET")) == (401, "invalid_token")


def test_token_lives_as_long_as_it_says(sandbox: Sandbox) -> None:
    account = sandbox.account("short-lived", tokenSeconds=1)
    owner = Owner(sandbox, account)
    assert owner("GET", "account").status_code == 200
    wait_for("expiry", lambda: owner("GET", "account").status_code == 401)
    fresh = owner(
        "POST", "token", {"refreshToken": account.credentials["refreshToken"]}
    )
    owner.headers = {"authorization": f"Bearer {fresh.json()['accessToken']}"}
    assert owner("GET", "account").status_code == 200
    assert code(owner("POST", "token", {"refreshToken": "x"})) == (400, "invalid_grant")


def test_new_credentials_replace_the_old(
    owner: Owner, sandbox: Sandbox, account: SandboxAccount
) -> None:
    owner.events("POST", body=EVENT)
    again = sandbox.account(account.account)
    assert again.calendars == account.calendars
    assert code(owner.events("GET")) == (401, "invalid_token")
    assert len(Owner(sandbox, again).events("GET").json()["events"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "?pageSize=0",
        "?pageSize=251",
        "?pageSize=x",
        "?pageSize=\u0661",
        "?from=yesterday",
        "?until=2026-06-01",
        "?syncToken=a&pageToken=b",
        "?syncToken=a&from=2026-06-01T00:00:00Z",
    ],
)
def test_listing_that_cannot_be(owner: Owner, query: str) -> None:
    assert code(owner.events("GET", query)) == (400, "invalid_request")


def test_fault_that_is_counted(owner: Owner, sandbox: Sandbox) -> None:
    fault_id = sandbox.fault("failure", times=2, status=502)
    statuses = [owner("GET", "account").status_code]
    assert [(each["faultId"], each["times"]) for each in sandbox.faults()] == [
        (fault_id, 1)
    ]
    statuses += [owner("GET", "account").status_code for _ in range(2)]
    assert statuses == [502, 502, 200]
    assert sandbox.faults() == []


def test_fault_by_chance(owner: Owner, sandbox: Sandbox) -> None:
    sandbox.fault("failure", probability=0.5)
    statuses = {owner("GET", "account").status_code for _ in range(64)}
    assert statuses == {200, 500}


def test_fault_until_cleared(owner: Owner, sandbox: Sandbox) -> None:
    sandbox.fault("failure", operations=["insertEvent"], calendarId=owner.calendar)
    for _ in range(3):
        assert owner.events("POST", body=EVENT).status_code == 500
        assert owner.events("GET").status_code == 200
    sandbox.clear_faults()
    assert owner.events("POST", body=EVENT).status_code == 200


def test_fault_of_one_calendar(
    owner: Owner, sandbox: Sandbox, account: SandboxAccount
) -> None:
    sandbox.fault("failure", calendarId=account.calendars[1]["id"])
    assert owner.events("GET").status_code == 200
    owner.calendar = str(account.calendars[1]["id"])
    assert owner.events("GET").status_code == 500


def test_one_fault_is_cleared(owner: Owner, sandbox: Sandbox) -> None:
    first, second = sandbox.fault("failure"), sandbox.fault("latency")
    url = f"{sandbox.url}/control/faults/"
    requests.delete(f"{url}{first}", timeout=SECONDS)
    assert [each["faultId"] for each in sandbox.faults()] == [second]
    answer = requests.delete(f"{url}all", timeout=SECONDS)
    assert code(answer) == (404, "no_such_fault")
    assert owner("GET", "account").status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "surprise"},
        {"kind": "failure", "status": 404},
        {"kind": "drop", "times": 0},
        {"kind": "drop", "times": 1, "probability": 0.5},
        {"kind": "drop", "probability": 0},
        {"kind": "drop", "operations": ["none"]},
    ],
)
def test_fault_that_cannot_be(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    answer = requests.post(f"{sandbox.url}/control/faults", json=fault, timeout=SECONDS)
    assert code(answer) == (400, "invalid_request")
    assert sandbox.faults() == []


async def watch(owner: Owner, receiver: Receiver) -> None:
    channel = {"id": owner.calendar, "address": receiver.url, "secret": "sesame"}
    path = f"calendars/{owner.calendar}/channels"
    assert owner("POST", path, channel).status_code == 200
    other = {**channel, "secret": "another"}
    assert code(owner("POST", path, other)) == (409, "duplicate")


async def message(receiver: Receiver) -> int:
    delivery = await receiver.next()
    Contract(read_contract()).check_notification(delivery.content)
    return int(json.loads(delivery.content)["message"])


async def test_push_that_is_lost(
    owner: Owner, sandbox: Sandbox, receiver: Receiver
) -> None:
    await watch(owner, receiver)
    sandbox.fault("lost_push", times=1)
    for _ in range(2):
        owner.events("POST", body=EVENT)
    assert await message(receiver) == 2


async def test_push_that_comes_twice(
    owner: Owner, sandbox: Sandbox, receiver: Receiver
) -> None:
    await watch(owner, receiver)
    sandbox.fault("double_push", times=1, calendarId=owner.calendar)
    owner.events("POST", body=EVENT)
    assert [await message(receiver) for _ in range(2)] == [1, 1]


async def test_push_is_tried_again(owner: Owner, receiver: Receiver) -> None:
    receiver.refusals = 2
    await watch(owner, receiver)
    owner.events("POST", body=EVENT)
    assert [await message(receiver) for _ in range(3)] == [1, 1, 1]


async def test_every_change_is_told(
    owner: Owner, sandbox: Sandbox, receiver: Receiver
) -> None:
    await watch(owner, receiver)
    world = SandboxWorld(sandbox)
    event_id = world.owner_adds(owner.calendar, at(NINE))
    world.owner_moves(owner.calendar, event_id, at(NINE))
    world.owner_deletes(owner.calendar, event_id)
    assert sorted([await message(receiver) for _ in range(3)]) == [1, 2, 3]


def test_memory_is_its_owners_alone(running: Sandbox) -> None:
    assert (running.home / "sandbox.sqlite3").stat().st_mode & 0o077 == 0


def test_stop_breaks_off_what_hangs(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "home") as sandbox, ThreadPoolExecutor() as pool:
        owner = Owner(sandbox, sandbox.account("ann@example.com"))
        sandbox.fault("hang", times=1)
        asked = pool.submit(owner, "GET", "account")
        wait_for("the request came", lambda: not sandbox.faults())
        assert sandbox.stop() == 0
        with pytest.raises(requests.ConnectionError):
            asked.result(SECONDS)


def test_port_that_is_taken(running: Sandbox, tmp_path: Path) -> None:
    port = int(running.url.rpartition(":")[2])
    with pytest.raises(CannotListen, match="--port"):
        run_sandbox(home=tmp_path, port=port)


def test_schemathesis_finds_nothing(
    owner: Owner, sandbox: Sandbox, tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    (tmp_path / "schemathesis.toml").write_text(FUZZING.format(owner.calendar))
    checks = (
        *("not_a_server_error", "status_code_conformance", "ignored_auth"),
        *("content_type_conformance", "response_schema_conformance"),
        *("response_headers_conformance", "negative_data_rejection"),
    )
    header = f"Authorization: {owner.headers['authorization']}"
    ended = subprocess.run(
        [
            *(program, "run", f"{sandbox.url}/openapi.json", "--no-color"),
            *("-H", header, "--checks", ",".join(checks)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "Selected: 9/9" in ended.stdout
