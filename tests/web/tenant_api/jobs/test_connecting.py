"""Connecting a platform by a key: it is asked first, and nothing is kept that fails."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest

from tests.web.api import wait_for
from tests.web.tenant_api.connected_accounts import change
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.platforms import JobberHand
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.services.ports.identity import Role
from universal_calendar.store.connections.connections import ConnectionTable

CANARY = "canary-4711"
FINISH = "/calendar/oauth/callback"
SETUP = "/calendar/setup"
NO_EXPIRY = [
    *("tomorrow", 7, 1767225600, "1767225600000", "7", "-1767225600", "1767225600.0"),
    *("2026-12-05", "2026-12-05T14:30:00", "9999-99-99T00:00:00Z", "\0", "\u0660" * 10),
    "1969-12-31T23:00:00Z",
]
"""What is neither seconds since 1970 nor an instant."""


def connections(office: Office) -> list[dict[str, Any]]:
    path = f"/calendar/status/{office.desk.tenant_id}"
    return list(data(office.desk.get(path))["connections"])


def accounts(office: Office) -> list[str]:
    return [each["account"] for each in connections(office)]


def connect(office: Office, **keys: object) -> httpx2.Response:
    body = office.hand.keys | keys
    kept = {name: value for name, value in body.items() if value is not None}
    return office.desk.post(f"{office.integrations}/connect", kept)


def named(answer: httpx2.Response) -> str:
    """Return the one field that is named; what was sent is not told back."""
    (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
    assert CANARY not in answer.text
    return str(field["field"])


@pytest.mark.proves(
    "POST /integrations/jobber/connect", "POST /integrations/housecallpro/connect"
)
def test_with_either_credential(office: Office) -> None:
    assert office.connect()["connected"] is True
    owner = office.desk.as_user(Role.OWNER)
    answer = owner.post(f"{office.integrations}/connect", office.hand.keys)
    assert data(answer)["companyName"] == office.hand.company
    assert len(accounts(office)) == 1


def test_only_owners(office: Office) -> None:
    path = f"{office.integrations}/connect"
    answer = office.desk.as_user(Role.OPERATOR).post(path, office.hand.keys)
    assert answer.status_code == 403
    assert accounts(office) == []


@pytest.mark.parametrize("key", [CANARY, CANARY * 100])
def test_a_wrong_key(office: Office, key: str) -> None:
    assert named(connect(office, apiKey=key)) == "apiKey"
    assert accounts(office) == []


@pytest.mark.parametrize(
    "key", [None, "", " ", 7, "a\0", "a\r\nX-Evil: 1", "schlüssel", "x" * 4097, ["a"]]
)
def test_what_is_no_key(office: Office, key: object) -> None:
    assert named(connect(office, apiKey=key)) == "apiKey"


def test_unknown_fields_are_ignored_and_known_ones_are_checked(office: Office) -> None:
    assert data(connect(office, nonsense=CANARY))["connected"] is True
    assert named(connect(office, timezone="Mars/Base")) == "timezone"
    assert named(connect(office, tenantId="x")) == "tenantId"


def test_the_zone_that_is_asked_for(office: Office) -> None:
    data(connect(office, timezone="America/New_York"))
    path = f"/calendar/status/{office.desk.tenant_id}"
    (found,) = data(office.desk.get(path))["connections"]
    assert found["timezone"] == "America/New_York"
    assert found["calendars"][0]["name"] == office.hand.company


def test_the_platform_is_down(office: Office) -> None:
    office.hand.dies()
    try:
        problem(connect(office), 502, "EXTERNAL_SERVICE_ERROR")
    finally:
        office.hand.rises()
    assert accounts(office) == []
    assert data(connect(office))["connected"] is True


def test_retries_are_answered_alike(office: Office) -> None:
    path, key = f"{office.integrations}/connect", {"Idempotency-Key": "connect-1"}
    wrong = office.hand.keys | {"apiKey": CANARY}
    assert office.desk.post(path, wrong, headers=key).status_code == 400
    ask = lambda _: office.desk.post(path, office.hand.keys, headers=key)  # noqa: E731 - mapped over a pool
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.text for each in answers}) == 1
    other = office.desk.post(path, wrong, headers=key)
    assert problem(other, 409, "CONFLICT")["reason"] == "idempotency_mismatch"


def test_in_two_steps_with_a_key(office: Office) -> None:
    """Begun with credentials, it is our own page that leads on, not a consent page."""
    wrong = office.hand.keys | {"apiKey": CANARY}
    begin = {"provider": office.hand.slug, "credentials": wrong}
    started = data(office.desk.post("/calendar/connect", begin))
    assert started["authUrl"].startswith("https://calendar.example.com/calendar/setup?")
    finish = {"provider": office.hand.slug, "state": started["state"]}
    assert named(office.desk.post(FINISH, finish)) == "credentials"
    page = office.desk.http.get(f"{office.desk.url}{SETUP}?state={started['state']}")
    assert 'name="credential.apiKey" type=password' in page.text
    right = finish | {"credentials": office.hand.keys}
    assert data(office.desk.post(FINISH, right))["connected"] is True
    assert len(accounts(office)) == 1


def test_what_there_is_without_a_connection(office: Office) -> None:
    day = office.at(0)[:10]
    desk, jobs = office.desk, office.jobs
    customer = {"customerData": {"phone": "+12125551234"}}
    for answer in (
        desk.get(jobs, startDate=day, endDate=day),
        desk.post(jobs, office.job()),
        desk.put(f"{jobs}/1", {"jobData": {}}),
        desk.ask("DELETE", f"{jobs}/1", params=reason(office)),
        desk.post(f"{office.integrations}/sync/customers", customer),
        desk.get(f"{office.integrations}/technicians"),
        desk.put(f"{office.integrations}/technicians/1", {"agentId": None}),
    ):
        assert problem(answer, 404, "NOT_FOUND") is None
        assert f"/integrations/{office.hand.slug}/connect" in answer.text


def reason(office: Office) -> dict[str, str]:
    return {"tenantId": office.desk.tenant_id, "reason": "rescheduling"}


async def test_disconnected_it_is_no_platform_of_ours(office: Office) -> None:
    office.connect()
    await asyncio.to_thread(office.disconnect)
    assert accounts(office) == []
    answer = office.desk.post(office.jobs, office.job())
    assert answer.status_code == 404


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_where_nothing_may_be_written_no_job_is_made(office: Office) -> None:
    office.connect()
    (connection,) = connections(office)
    change(office.desk, connection, direction="from_provider")
    assert named(office.desk.post(office.jobs, office.job())) == "provider"
    assert office.listed() == []
    change(office.desk, connection, direction="bidirectional")
    assert office.create()["created"] is True


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_who_asked_for_customers_is_in_the_audit_log(office: Office) -> None:
    office.connect()
    owner = replace(office, desk=office.desk.as_user(Role.OWNER, "olive"))
    assert owner.listed() == []
    body = {"customerData": {"email": f"jane-{office.day}@example.com"}}
    data(owner.desk.post(f"{office.integrations}/sync/customers", body))
    for action in ("jobs.listed", "customer.put"):
        (entry,) = data(owner.desk.get("/audit", action=action))["entries"]
        assert entry["actorId"] == "olive"


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
class TestHousecallPro:
    def test_an_address_for_webhooks_is_tried(self, office: Office) -> None:
        """Before anything is signed, and without any consequence."""
        url = f"{office.desk.url}/webhooks/housecallpro"
        for content, status in ((b'{"foo":"bar"}', 202), (b'{"foo":"baz"}', 401)):
            assert office.desk.http.post(url, content=content).status_code == status

    def test_another_company(self, office: Office) -> None:
        assert named(connect(office, companyId=CANARY)) == "companyId"
        assert accounts(office) == []

    @pytest.mark.parametrize("company", [None, "", 7, "a\0", "x" * 256])
    def test_what_is_no_company(self, office: Office, company: object) -> None:
        assert named(connect(office, companyId=company)) == "companyId"


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
class TestJobber:
    def test_by_consent(self, office: Office) -> None:
        started = data(office.desk.post("/calendar/connect", {"provider": "jobber"}))
        hand = office.hand
        assert isinstance(hand, JobberHand)
        assert started["authUrl"].startswith(hand.server.registration.authorize_url)
        # Its apps have their scopes at Jobber.
        assert "scope" not in parse_qs(urlsplit(started["authUrl"]).query, True)
        form = {"account": hand.owner.account}
        back = office.desk.http.post(started["authUrl"], data=form)
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        finish = {"provider": "jobber", "state": started["state"]}
        without = office.desk.post(FINISH, finish | {"credentials": hand.keys})
        assert named(without) == "code"
        done = office.desk.post(FINISH, finish | {"code": code})
        assert data(done)["connected"] is True
        assert office.create()["created"] is True

    def test_by_tokens_of_ones_own(self, office: Office) -> None:
        hand = office.hand
        assert isinstance(hand, JobberHand)
        tokens = hand.owner.credentials()
        at = datetime.fromtimestamp(int(tokens["expiresAt"]), UTC)
        given = tokens | {"apiKey": None}
        for expiry in (tokens["expiresAt"], at.isoformat(), "9999-12-31T23:59:59Z"):
            answer = connect(office, **given | {"expiresAt": expiry})
            assert data(answer)["companyName"] == hand.company
        for wrong in NO_EXPIRY:
            answer = connect(office, **given | {"expiresAt": wrong})
            assert named(answer) == "expiresAt"
        answer = connect(office, apiKey=None, accessToken=CANARY)
        assert named(answer) == "accessToken"

    @pytest.mark.parametrize("missing", ["accessToken", "expiresAt"])
    def test_tokens_that_could_not_be_renewed(
        self, office: Office, missing: str
    ) -> None:
        """The key beside them would open the account, until nobody knows when."""
        hand = office.hand
        assert isinstance(hand, JobberHand)
        answer = connect(office, **hand.owner.credentials() | {missing: None})
        assert named(answer) == missing
        assert accounts(office) == []

    @pytest.mark.parametrize("expiry", ["4102444800", "2100-01-01T02:00:00.5+02:00"])
    async def test_expiry_is_kept_in_seconds(self, office: Office, expiry: str) -> None:
        hand = office.hand
        assert isinstance(hand, JobberHand)
        tokens = hand.owner.credentials()
        answer = connect(office, **tokens | {"expiresAt": expiry, "apiKey": None})
        assert data(answer)["connected"] is True
        (made,) = connections(office)
        table = ConnectionTable(office.parts.database, office.parts.keyring)
        tenant_id, connection_id = office.desk.tenant_id, made["connectionId"]
        access = await table.access(UUID(tenant_id), UUID(connection_id))
        assert access.secrets == tokens | {"expiresAt": "4102444800"}

    def test_a_subdomain_is_taken(self, office: Office) -> None:
        assert data(connect(office, subdomain="acme"))["connected"] is True

    def test_tokens_that_have_ended_are_renewed_first(self, office: Office) -> None:
        """The new ones are kept: those that were sent open nothing any more."""
        tokens = ended_tokens(office)
        assert data(connect(office, **tokens))["companyName"] == office.hand.company
        assert office.create()["created"] is True
        assert named(connect(office, **tokens)) == "accessToken"
        assert len(accounts(office)) == 1

    def test_tokens_that_are_taken_no_more(self, office: Office) -> None:
        """Whatever was said of when they end."""
        hand = office.hand
        assert isinstance(hand, JobberHand)
        tokens = hand.owner.credentials()
        hand.owner.expires_tokens()
        assert data(connect(office, apiKey=None, **tokens))["connected"] is True

    def test_a_refresh_token_that_was_used_for_nothing(self, office: Office) -> None:
        tokens = ended_tokens(office)
        office.hand.throttles(4)
        answer = connect(office, **tokens)
        problem(answer, 503, "SERVICE_UNAVAILABLE")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert "refresh token that was sent is used up" in answer.text
        assert accounts(office) == []

    def test_tokens_that_have_ended_are_renewed_in_two_steps_too(
        self, office: Office
    ) -> None:
        """Once: the same may be tried again, whatever the platform did meanwhile."""
        given = ended_tokens(office) | {"apiKey": "unused", "expiresAt": "1704067200"}
        begin = {"provider": "jobber", "credentials": {"apiKey": "unused"}}
        state = data(office.desk.post("/calendar/connect", begin))["state"]
        finish = {"provider": "jobber", "state": state, "credentials": given}
        office.hand.throttles(1)
        problem(office.desk.post(FINISH, finish), 503, "SERVICE_UNAVAILABLE")

        def is_connected() -> bool:
            return office.desk.post(FINISH, finish).status_code == 200

        wait_for("the platform has points again", is_connected)
        assert [each["status"] for each in connections(office)] == ["active"]

    def test_neither_tokens_nor_their_renewal_are_accepted(
        self, office: Office
    ) -> None:
        given = ended_tokens(office) | {"apiKey": "unused", "expiresAt": "1704067200"}
        begin = {"provider": "jobber", "credentials": {"apiKey": "unused"}}
        state = data(office.desk.post("/calendar/connect", begin))["state"]
        finish = {"provider": "jobber", "state": state}
        wrong = finish | {"credentials": given | {"refreshToken": CANARY}}
        assert named(office.desk.post(FINISH, wrong)) == "credentials"
        right = finish | {"credentials": given}
        assert data(office.desk.post(FINISH, right))["connected"] is True


def ended_tokens(office: Office) -> dict[str, str | None]:
    """Return tokens of OAuth, of which the one for an hour has ended."""
    hand = office.hand
    assert isinstance(hand, JobberHand)
    tokens = hand.owner.credentials()
    hand.owner.expires_tokens()
    return tokens | {"expiresAt": "2024-01-01T00:00:00Z", "apiKey": None}
