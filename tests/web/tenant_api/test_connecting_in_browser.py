"""Connecting in a browser that nobody authenticated: it asks before it connects."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.providers.google.calendars import Calendar
from tests.providers.google.wire import Answer, Trouble
from tests.providers.google.world import ACCOUNT, ZONE
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connecting import (
    CALLBACK,
    CONFIRM,
    PUBLIC,
    RETURN,
    Place,
    a_place,
    accounts,
    begin,
    browse,
    check_page,
    code_of,
    consent,
    finish,
    hidden,
    press,
    unusable,
)
from universal_calendar.bootstrap.parts import Server

FORM = "application/x-www-form-urlencoded"
BAD = '"><script>alert(1)</script>&amp;'


@pytest.fixture(scope="module")
def place(home: Path, server: Server) -> Iterator[Place]:
    with a_place(home, OAUTH_RETURN_URL=RETURN) as place:
        yield place


@pytest.fixture
def owner(place: Place, desk: Desk) -> Desk:
    return place.desk(desk)


class TestInABrowser:
    def asked(
        self, place: Place, owner: Desk, account: str = ACCOUNT
    ) -> httpx2.Response:
        """Bring a code, and return the page that asks."""
        url = begin(owner)["authUrl"]
        page = browse(place, consent(place, url, account=account))
        assert page.status_code == 200, page.text
        check_page(page)
        return page

    def test_it_asks_before_it_connects(self, place: Place, owner: Desk) -> None:
        page = self.asked(place, owner)
        for shown in (ACCOUNT, "Google Calendar", "Acme", "Connect", "Cancel"):
            assert shown in page.text
        assert accounts(owner) == []
        done = press(place, page, "connect")
        assert done.status_code == 303
        expected = f"{RETURN}?status=connected&provider=google"
        assert done.headers["location"] == expected
        assert accounts(owner) == [ACCOUNT]

    def test_the_form_may_lead_to_the_return_url(
        self, place: Place, owner: Desk
    ) -> None:
        policy = self.asked(place, owner).headers["content-security-policy"]
        assert "form-action 'self' https://app.example.com;" in policy

    def test_a_forwarded_link_alone_connects_nothing(
        self, place: Place, owner: Desk
    ) -> None:
        """A victim who consents, and presses nothing, is not connected."""
        location = consent(place, begin(owner)["authUrl"])
        code, state = code_of(location)
        page = browse(place, location)
        assert "Acme" in page.text
        # Whoever sent the link has the state alone: it says no yes.
        for known in (state, code):
            form = {"token": known, "answer": "connect"}
            answer = place.http.post(place.service.url + CONFIRM, data=form)
            assert answer.status_code == 400, answer.text
        unusable(finish(owner, state, code=code))
        unusable(finish(owner, hidden(page, "token"), code=code))
        assert accounts(owner) == []

    def test_a_yes_is_said_once(self, place: Place, owner: Desk) -> None:
        page = self.asked(place, owner)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: press(place, page, "connect"), range(8)))
        statuses = sorted(each.status_code for each in answers)
        assert statuses == [303] + [400] * 7
        assert accounts(owner) == [ACCOUNT]

    def test_the_address_serves_once(self, place: Place, owner: Desk) -> None:
        location = consent(place, begin(owner)["authUrl"])
        assert browse(place, location).status_code == 200
        again = browse(place, location)
        assert again.status_code == 400
        assert "connect again" in check_page(again)

    def test_no(self, place: Place, owner: Desk) -> None:
        page = self.asked(place, owner)
        done = press(place, page, "cancel")
        expected = f"{RETURN}?status=cancelled&provider=google"
        assert done.headers["location"] == expected
        assert press(place, page, "connect").status_code == 400
        assert accounts(owner) == []

    def test_consent_is_denied(self, place: Place, owner: Desk) -> None:
        state = begin(owner)["state"]
        query = f"?error=access_denied&error_description={BAD}&state={state}"
        page = place.http.get(place.service.url + CALLBACK + query)
        assert "You did not allow it" in check_page(page)
        assert "alert" not in page.text
        unusable(finish(owner, state, code="late"))

    def test_names_are_text(self, place: Place, owner: Desk) -> None:
        named = {"name": f"Acme {BAD}"}
        service = owner.put(f"/tenants/{owner.tenant_id}", named)
        assert service.status_code == 200, service.text
        account = f"{BAD}@example.com"
        place.google.open(account, Calendar(account, account, ZONE, is_primary=True))
        page = self.asked(place, owner, account=account)
        assert escape(f"Acme {BAD}") in page.text
        assert escape(account) in page.text
        assert BAD not in page.text

    def test_where_it_leads_is_no_request_to_decide(
        self, place: Place, owner: Desk
    ) -> None:
        location = consent(place, begin(owner)["authUrl"])
        evil = "https://evil.example"
        headers = {"Host": "evil.example", "Referer": evil, "X-Forwarded-Host": evil}
        more = f"&return_url={evil}&redirect_uri={evil}&next={evil}"
        url = place.service.url + (location + more).removeprefix(PUBLIC)
        page = place.http.get(url, headers=headers)
        assert "evil" not in check_page(page)
        form = {
            "token": hidden(page, "token"),
            "answer": "connect",
            "return_url": evil,
            "provider": evil,
        }
        url = f"{place.service.url}{CONFIRM}?return_url={evil}"
        done = place.http.post(url, data=form, headers=headers)
        expected = f"{RETURN}?status=connected&provider=google"
        assert done.headers["location"] == expected

    def test_google_is_down(self, place: Place, owner: Desk) -> None:
        location = consent(place, begin(owner)["authUrl"])
        place.google.wire.troubles.append(Trouble(answer=Answer(500)))
        page = browse(place, location)
        assert page.status_code == 502
        assert "Load this page again" in check_page(page)
        assert browse(place, location).status_code == 200

    def test_what_is_no_form(self, place: Place) -> None:
        url = place.service.url + CONFIRM
        for parts, expected in (
            ({"json": {"token": "x"}}, 415),
            ({"data": {"token": "x" * 300_000}}, 413),
            ({"data": {str(each): "x" for each in range(101)}}, 413),
            ({"data": {"token": "\0", "answer": "connect"}}, 400),
            ({"content": b"%ff=%fe", "headers": {"content-type": FORM}}, 400),
        ):
            values: dict[str, Any] = parts
            page = place.http.post(url, **values)
            assert page.status_code == expected, page.text
            check_page(page)

    def test_without_a_return_url(self, desk: Desk, home: Path) -> None:
        with a_place(home) as other:
            owner = other.desk(desk)
            page = browse(other, consent(other, begin(owner)["authUrl"]))
            done = press(other, page, "connect")
            assert done.status_code == 200
            assert "Connected. You may close this page." in check_page(done)
            assert accounts(owner) == [ACCOUNT]


def test_the_pages_have_a_limit_and_the_callback_has_none(
    desk: Desk, home: Path
) -> None:
    with a_place(home, RATE_LIMIT_MAX_REQUESTS="3") as place:
        urls = [f"{place.service.url}{path}?state=x" for path in (CALLBACK,) * 8]
        assert {place.http.get(url).status_code for url in urls} == {400}
        url = f"{place.service.url}/calendar/setup?state=x"
        pages = [place.http.get(url) for _ in range(5)]
        assert [each.status_code for each in pages] == [400, 400, 400, 429, 429]
        assert "Retry-After" in pages[-1].headers
        check_page(pages[-1])
