"""Connecting without OAuth: on our set-up page, and by credentials in a request."""

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.running import RunningService, running_service
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connecting import (
    CONFIRM,
    PUBLIC,
    SETUP,
    accounts,
    begin,
    check_page,
    finish,
    hidden,
)
from tests.web.tenant_api.documented import check_documented
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.bootstrap.parts import Server
from universal_calendar.services.ports.identity import Role

FINISHED = {
    "connected": True,
    "provider": "google",
    "calendarId": "primary",
    "userEmail": "business@example.com",
    "syncEnabled": True,
}
BAD = '"><script>alert(1)</script>&amp;'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    if running.process.poll() is not None:
        running.start()
    running.clear_faults()


@pytest.fixture
def account(sandbox: Sandbox, desk: Desk) -> SandboxAccount:
    return sandbox.account(f"{desk.tenant_id}@sandbox.test")


@pytest.fixture(scope="module")
def service(home: Path, server: Server) -> Iterator[RunningService]:
    with running_service(home, PUBLIC_BASE_URL=PUBLIC) as service:
        yield service


@pytest.fixture
def owner(service: RunningService, desk: Desk) -> Desk:
    return replace(desk, url=service.url).as_user(Role.OWNER)


class TestByTheApi:
    @pytest.mark.proves("POST /calendar/connect", "POST /calendar/oauth/callback")
    def test_credentials_in_place_of_a_code(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        started = begin(owner, "fake")
        assert started["authUrl"] == f"{PUBLIC}{SETUP}?state={started['state']}"
        answer = finish(
            owner, started["state"], provider="fake", credentials=account.credentials
        )
        done = check_documented(answer, FINISHED)
        assert done["userEmail"] == account.account
        assert done["calendarId"] == account.calendar_id

    def test_those_of_the_beginning_count_too(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        given = account.credentials
        started = begin(owner, "fake", credentials={"baseUrl": given["baseUrl"]})
        rest = {name: given[name] for name in ("accessToken", "refreshToken")}
        answer = finish(owner, started["state"], provider="fake", credentials=rest)
        assert data(answer)["connected"] is True

    def test_a_field_is_missing(self, owner: Desk, account: SandboxAccount) -> None:
        state = begin(owner, "fake")["state"]
        for name in account.credentials:
            given = {**account.credentials, name: " "}
            answer = finish(owner, state, provider="fake", credentials=given)
            (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
            assert field == {
                "field": f"credentials.{name}",
                "message": "Field required",
            }
        answer = finish(owner, state, provider="fake", credentials=account.credentials)
        assert data(answer)["connected"] is True

    def test_a_field_is_unknown(self, owner: Desk, account: SandboxAccount) -> None:
        state = begin(owner, "fake")["state"]
        given = {**account.credentials, "canary-4711": "x"}
        answer = finish(owner, state, provider="fake", credentials=given)
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "credentials"
        assert "baseUrl, accessToken, refreshToken" in field["message"]
        assert "canary" not in answer.text

    def test_credentials_that_open_nothing(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        state = begin(owner, "fake")["state"]
        wrong = dict.fromkeys(("accessToken", "refreshToken"), "canary-4711")
        given = account.credentials | wrong
        answer = finish(owner, state, provider="fake", credentials=given)
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "credentials"
        assert "canary" not in answer.text
        assert accounts(owner) == []

    def test_the_provider_is_down(
        self, owner: Desk, account: SandboxAccount, sandbox: Sandbox
    ) -> None:
        state = begin(owner, "fake")["state"]
        sandbox.kill()
        answer = finish(owner, state, provider="fake", credentials=account.credentials)
        problem(answer, 502, "EXTERNAL_SERVICE_ERROR")
        sandbox.start()
        answer = finish(owner, state, provider="fake", credentials=account.credentials)
        assert data(answer)["connected"] is True

    @pytest.mark.parametrize(
        "wrong", [[], "x", 7, {"a": 7}, {"a": None}, {"a": {"b": "c"}}, {"a": "\0"}]
    )
    def test_what_are_no_credentials(self, owner: Desk, wrong: Any) -> None:
        body = {"provider": "fake", "credentials": wrong}
        answer = owner.post("/calendar/connect", body)
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "credentials"

    def test_not_in_production(
        self, desk: Desk, home: Path, account: SandboxAccount
    ) -> None:
        settings = {"ENVIRONMENT": "production", "PUBLIC_BASE_URL": PUBLIC}
        with running_service(home, **settings) as service:
            asking = replace(desk, url=service.url)
            answer = asking.post("/calendar/connect", {"provider": "fake"})
        (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "provider"


class TestOnThePage:
    def opened(self, owner: Desk, **more: object) -> tuple[httpx2.Response, str]:
        """Begin, open the set-up page, and return it with its state."""
        started = begin(owner, "fake", **more)
        url = owner.url + started["authUrl"].removeprefix(PUBLIC)
        page = owner.http.get(url)
        assert page.status_code == 200, page.text
        check_page(page)
        return page, hidden(page, "state")

    def sent(self, owner: Desk, state: str, **fields: str) -> httpx2.Response:
        form = {f"credential.{name}": value for name, value in fields.items()}
        return owner.http.post(owner.url + SETUP, data={"state": state, **form})

    def test_it_asks_for_what_the_provider_takes(self, owner: Desk) -> None:
        page, _ = self.opened(owner)
        for shown in ("Sandbox", "Acme", "Address of the sandbox", "Access token"):
            assert shown in page.text
        assert 'name="credential.baseUrl" type=text' in page.text
        assert 'name="credential.accessToken" type=password' in page.text

    def test_hints_are_shown(self, owner: Desk) -> None:
        url = begin(owner, "apple")["authUrl"].removeprefix(PUBLIC)
        page = check_page(owner.http.get(owner.url + url))
        assert "App-specific password" in page
        assert "account.apple.com" in page

    def test_from_the_page_to_the_connection(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        _, state = self.opened(owner)
        page = self.sent(owner, state, **account.credentials)
        assert page.status_code == 200, page.text
        for shown in (account.account, "Sandbox", "Acme"):
            assert shown in check_page(page)
        for secret in ("accessToken", "refreshToken"):
            assert account.credentials[secret] not in page.text
        assert accounts(owner) == []
        assert "action=oauth/confirm" in page.text
        form = {"token": hidden(page, "token"), "answer": "connect"}
        done = owner.http.post(owner.url + CONFIRM, data=form)
        assert "Connected. You may close this page." in check_page(done)
        assert accounts(owner) == [account.account]

    def test_what_was_given_is_not_asked_again(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        given = account.credentials
        page, state = self.opened(
            owner, credentials={"accessToken": given["accessToken"]}
        )
        assert "credential.accessToken" not in page.text
        assert given["accessToken"] not in page.text
        rest = {name: given[name] for name in ("baseUrl", "refreshToken")}
        assert (
            "Is this account to be connected?" in self.sent(owner, state, **rest).text
        )

    def test_a_typing_error_is_no_end(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        _, state = self.opened(owner)
        wrong = account.credentials | {
            "accessToken": "canary-4711",
            "refreshToken": "canary-4711",
        }
        page = self.sent(owner, state, **wrong)
        assert page.status_code == 400
        assert "These credentials: are not accepted" in check_page(page)
        assert "canary" not in page.text
        again = self.sent(owner, hidden(page, "state"), **account.credentials)
        assert account.account in again.text

    def test_a_field_is_missing(self, owner: Desk, account: SandboxAccount) -> None:
        _, state = self.opened(owner)
        given = {**account.credentials, "accessToken": ""}
        page = self.sent(owner, state, **given)
        assert "Access token: Field required" in check_page(page)

    def test_the_provider_is_down(
        self, owner: Desk, account: SandboxAccount, sandbox: Sandbox
    ) -> None:
        _, state = self.opened(owner)
        sandbox.kill()
        page = self.sent(owner, state, **account.credentials)
        assert "Sandbox does not answer now" in check_page(page)
        sandbox.start()
        assert account.account in self.sent(owner, state, **account.credentials).text

    def test_names_are_text(self, owner: Desk, sandbox: Sandbox) -> None:
        named = {"name": f"Acme {BAD}"}
        assert owner.put(f"/tenants/{owner.tenant_id}", named).status_code == 200
        account = sandbox.account(f"{BAD}{owner.tenant_id}")
        page, state = self.opened(owner)
        assert escape(f"Acme {BAD}") in page.text
        question = self.sent(owner, state, **account.credentials)
        assert escape(account.account) in question.text
        assert BAD not in page.text + question.text

    def test_states_that_lead_nowhere(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        _, state = self.opened(owner)
        question = self.sent(owner, state, **account.credentials)
        for text in ("", "x", "a.b.c", BAD, state, hidden(question, "token")):
            for page in (
                owner.http.get(owner.url + SETUP, params={"state": text}),
                self.sent(owner, text, **account.credentials),
            ):
                assert page.status_code == 400, page.text
                assert BAD not in check_page(page)
        assert accounts(owner) == []

    def test_a_visitor_who_only_looks_uses_nothing(
        self, owner: Desk, account: SandboxAccount
    ) -> None:
        _, state = self.opened(owner)
        for _ in range(3):
            url = f"{owner.url}{SETUP}?state={state}"
            assert owner.http.get(url).status_code == 200
        assert account.account in self.sent(owner, state, **account.credentials).text
