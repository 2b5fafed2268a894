"""Connecting by OAuth: in a browser, by an API, and by everyone who must not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.running import running_service
from tests.harness.scenes.business import open_business
from tests.providers.google.refusals import refusal
from tests.providers.google.wire import Answer, Trouble
from tests.providers.google.world import ACCOUNT
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connecting import (
    CALLBACK,
    PUBLIC,
    RETURN,
    Place,
    a_place,
    accounts,
    begin,
    browse,
    code_of,
    consent,
    finish,
    hidden,
    oauth_settings,
    press,
    status,
    unusable,
)
from tests.web.tenant_api.documented import check_documented
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.bootstrap.parts import Parts, Server
from universal_calendar.services.ports.identity import Role

BEGUN = {
    "authUrl": "https://accounts.google.com/oauth/authorize?...",
    "state": "random-state-token",
    "expiresIn": 600,
}
FINISHED = {
    "connected": True,
    "provider": "google",
    "calendarId": "primary",
    "userEmail": "business@example.com",
    "syncEnabled": True,
}
GIVEN = {
    "apiKey": "optional-for-api-key-based-providers",
    "subdomain": "optional-for-subdomain-based-providers",
}
NEEDED = "https://www.googleapis.com/auth/calendar.events"
FORM = "application/x-www-form-urlencoded"
BAD = '"><script>alert(1)</script>&amp;'


@pytest.fixture(scope="module")
def place(home: Path, server: Server) -> Iterator[Place]:
    with a_place(home, OAUTH_RETURN_URL=RETURN) as place:
        yield place


@pytest.fixture
def owner(place: Place, desk: Desk) -> Desk:
    return place.desk(desk)


def begun(place: Place, owner: Desk, **more: object) -> tuple[str, str]:
    """Begin and consent; return code and state."""
    return code_of(consent(place, begin(owner, **more)["authUrl"]))


class TestByTheApi:
    @pytest.mark.proves("POST /calendar/connect", "POST /calendar/oauth/callback")
    def test_the_specifications_example(self, place: Place, owner: Desk) -> None:
        body = {"timezone": "America/Los_Angeles", "credentials": GIVEN}
        answer = owner.post("/calendar/connect", {"provider": "google", **body})
        started = check_documented(answer, BEGUN)
        assert started["expiresIn"] == 600
        asked = parse_qs(urlsplit(started["authUrl"]).query)
        assert asked["redirect_uri"] == [PUBLIC + CALLBACK]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["state"] == [started["state"]]
        code, state = code_of(consent(place, started["authUrl"]))
        answer = finish(owner, state, code=code, credentials=GIVEN)
        done = check_documented(answer, FINISHED)
        assert done["userEmail"] == ACCOUNT
        assert done["calendarId"] == ACCOUNT
        assert done["syncEnabled"] is True
        (connection,) = status(owner)["connections"]
        assert connection["connectionId"] == done["connectionId"]
        assert connection["timezone"] == "America/Los_Angeles"

    def test_a_service_key_does_too(self, place: Place, desk: Desk) -> None:
        service = replace(desk, url=place.service.url)
        code, state = begun(place, service)
        assert data(finish(service, state, code=code))["connected"] is True

    def test_a_state_serves_once(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        assert data(finish(owner, state, code=code))["connected"]
        unusable(finish(owner, state, code=code))
        assert accounts(owner) == [ACCOUNT]

    def test_twenty_at_once_connect_once(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        with ThreadPoolExecutor(20) as pool:
            answers = list(
                pool.map(lambda _: finish(owner, state, code=code), range(20))
            )
        good = [each for each in answers if each.status_code == 200]
        assert len(good) == 1
        for each in answers:
            if each not in good:
                unusable(each)
        assert accounts(owner) == [ACCOUNT]

    def test_retries_get_the_first_answer(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        headers = {"Idempotency-Key": state[-40:]}
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda _: finish(owner, state, code=code, headers=headers), range(4)
                )
            )
        assert {each.status_code for each in answers} == {200}
        assert len({each.text for each in answers}) == 1
        other = finish(owner, state, code="another", headers=headers)
        assert problem(other, 409, "CONFLICT")["reason"] == "idempotency_mismatch"

    def test_nobody_elses_state(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        colleague = owner.as_user(Role.OWNER, "user-2")
        unusable(finish(colleague, state, code=code))
        # It is still good for whoever began.
        assert data(finish(owner, state, code=code))["connected"]

    async def test_no_other_tenants_state(
        self, place: Place, owner: Desk, parts: Parts
    ) -> None:
        other = await open_business(parts)
        stranger = replace(owner, tenant_id=str(other.tenant_id)).as_user(Role.OWNER)
        code, state = begun(place, owner)
        unusable(finish(stranger, state, code=code))
        mixed = ".".join([stranger.tenant_id, *state.split(".")[1:]])
        unusable(finish(stranger, mixed, code=code))
        assert accounts(stranger) == accounts(owner) == []
        assert data(finish(owner, state, code=code))["connected"]

    def test_another_provider(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        unusable(finish(owner, state, code=code, provider="fake"))
        assert data(finish(owner, state, code=code))["connected"]

    def test_expired(self, place: Place, owner: Desk, superuser: Superuser) -> None:
        code, state = begun(place, owner)
        superuser.execute(
            "UPDATE pending_connections SET expires_at = now() - interval '1 second'"
            " WHERE tenant_id = %s",
            [owner.tenant_id],
        )
        unusable(finish(owner, state, code=code))

    @pytest.mark.parametrize("text", ["", ".", "a.b.c", "x" * 255, "a\u0000b"])
    def test_what_is_no_state(self, owner: Desk, text: str) -> None:
        (field,) = problem(finish(owner, text, code="c"), 400, "VALIDATION_ERROR")[
            "fields"
        ]
        assert field["field"] == "state"

    def test_a_code_that_is_refused(self, place: Place, owner: Desk) -> None:
        _, state = begun(place, owner)
        answer = finish(owner, state, code="not-this-one")
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "code"
        unusable(finish(owner, state, code="not-this-one"))
        assert accounts(owner) == []

    def test_a_code_that_is_missing(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        (field,) = problem(finish(owner, state), 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "code"
        assert data(finish(owner, state, code=code))["connected"]

    def test_too_little_is_granted(self, place: Place, owner: Desk) -> None:
        location = consent(place, begin(owner)["authUrl"], unticks=NEEDED)
        code, state = code_of(location)
        (field,) = problem(finish(owner, state, code=code), 400, "VALIDATION_ERROR")[
            "fields"
        ]
        assert field["field"] == "code"
        assert accounts(owner) == []

    def test_google_fails_while_redeeming(self, place: Place, owner: Desk) -> None:
        code, state = begun(place, owner)
        place.google.wire.troubles.append(Trouble(answer=refusal(503, "backendError")))
        problem(finish(owner, state, code=code), 502, "EXTERNAL_SERVICE_ERROR")
        assert accounts(owner) == []
        assert data(finish(owner, state, code=code))["connected"]

    def test_google_fails_once_the_code_is_spent(
        self, place: Place, owner: Desk
    ) -> None:
        code, state = begun(place, owner)
        place.google.wire.troubles += [
            Trouble(),
            Trouble(answer=refusal(503, "backendError")),
        ]
        problem(finish(owner, state, code=code), 502, "EXTERNAL_SERVICE_ERROR")
        assert data(finish(owner, state, code=code))["connected"]

    def test_the_same_account_again(self, place: Place, owner: Desk) -> None:
        first, second = (
            data(finish(owner, state, code=code))
            for code, state in (begun(place, owner) for _ in range(2))
        )
        assert first["connectionId"] == second["connectionId"]
        assert accounts(owner) == [ACCOUNT]

    def test_without_public_base_url(
        self, place: Place, desk: Desk, home: Path
    ) -> None:
        with running_service(home, **oauth_settings(place.google)) as service:
            asking = replace(desk, url=service.url)
            for provider in ("google", "fake"):
                answer = asking.post("/calendar/connect", {"provider": provider})
                (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
                assert "PUBLIC_BASE_URL" in field["message"]

    @pytest.mark.parametrize("provider", ["outlook", "nothing"])
    def test_not_offered(self, owner: Desk, provider: str) -> None:
        answer = owner.post("/calendar/connect", {"provider": provider})
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert "is not offered here; these are: " in field["message"]

    def test_an_agent_that_is_not_there(self, owner: Desk) -> None:
        agent = "00000000-0000-7000-8000-00000000dead"
        body = {"provider": "google", "agentId": agent}
        problem(owner.post("/calendar/connect", body), 404, "NOT_FOUND")


def test_nothing_of_it_is_in_logs_or_rows(
    place: Place, owner: Desk, superuser: Superuser
) -> None:
    code, state = begun(place, owner)
    rows = superuser.execute(
        "SELECT p::text FROM pending_connections p WHERE tenant_id = %s",
        [owner.tenant_id],
    ).fetchall()
    assert data(finish(owner, state, code=code))["connected"]
    page = browse(place, consent(place, begin(owner)["authUrl"]))
    rows += superuser.execute(
        "SELECT p::text FROM pending_connections p WHERE tenant_id = %s",
        [owner.tenant_id],
    ).fetchall()
    secret = state.rpartition(".")[2]
    token = hidden(page, "token").rpartition(".")[2]
    known = [secret, token, code, ACCOUNT, *place.google.consents.lasting]
    known += place.google.consents.passing
    printed = "".join(place.service.lines)
    for each in known:
        assert each not in printed
        for (row,) in rows:
            assert each not in str(row)
            assert each.encode().hex() not in str(row)


def test_who_did_it_is_written_down(place: Place, owner: Desk) -> None:
    page = browse(place, consent(place, begin(owner)["authUrl"]))
    press(place, page, "connect")
    code, state = begun(place, owner)
    assert data(finish(owner, state, code=code))["connected"]
    (connection,) = status(owner)["connections"]
    entries = data(owner.get("/audit", subjectId=connection["connectionId"]))["entries"]
    actions = [(each["action"], each["actorId"]) for each in entries]
    assert actions == [
        ("connection.renewed", "user-1"),
        ("connection.added", "user-1"),
    ]


@pytest.mark.proves("DELETE /calendar/connections/{connectionId}")
def test_disconnecting_revokes_and_forgets(
    place: Place, owner: Desk, superuser: Superuser
) -> None:
    code, state = begun(place, owner)
    done = data(finish(owner, state, code=code))
    (token,) = [*place.google.consents.lasting][-1:]
    path = f"/calendar/connections/{done['connectionId']}"
    assert data(owner.delete(path)) == {"removed": True}
    assert token not in place.google.consents.lasting
    assert status(owner)["connected"] is False
    problem(owner.delete(path), 404, "NOT_FOUND")
    for table in ("connections", "calendars", "write_calendars", "mirrored_times"):
        counted = superuser.execute(
            f"SELECT count(*) FROM {table} WHERE tenant_id = %s",  # noqa: S608 - ours
            [owner.tenant_id],
        ).fetchone()
        assert counted == (0,), table
    due = superuser.execute(
        "SELECT count(*) FROM due_work WHERE tenant_id = %s", [owner.tenant_id]
    ).fetchone()
    assert due == (0,)


def test_a_provider_that_is_down_keeps_nothing(place: Place, owner: Desk) -> None:
    code, state = begun(place, owner)
    done = data(finish(owner, state, code=code))
    place.google.wire.troubles.append(Trouble(answer=Answer(500)))
    path = f"/calendar/connections/{done['connectionId']}"
    assert data(owner.delete(path)) == {"removed": True}
    assert accounts(owner) == []
