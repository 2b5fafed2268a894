"""Whose key opens what, and for how long."""

from datetime import timedelta

import pytest

from tests.harness.scenes.business import Business, open_business
from tests.web.api import BOOKING, FREE_SLOTS, UNKNOWN_AGENT, Api, day_after
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

TOMORROW = 1


def statuses(api: Api) -> set[int]:
    """Ask both endpoints; the booking is one that no agent takes."""
    day = day_after(TOMORROW)
    return {api.free_slots(day).status_code, api.book(day, "03:00").status_code}


class TestWhereTheKeyIs:
    def test_header_wins_over_body(self, shared: Api) -> None:
        day = day_after(TOMORROW)
        right, wrong = shared.api_key, "wrong"
        assert shared.book(day, "03:00", api_key=wrong).status_code == 409
        assert (
            shared.with_key(wrong).book(day, "03:00", api_key=right).status_code == 401
        )

    @pytest.mark.parametrize("header", [None, ""])
    def test_body_stands_in_for_an_absent_or_empty_header(
        self, header: str | None, shared: Api
    ) -> None:
        asking = shared.with_key(header)
        answer = asking.book(day_after(TOMORROW), "03:00", api_key=shared.api_key)
        assert answer.status_code == 409

    @pytest.mark.parametrize("header", [None, ""])
    def test_neither(self, header: str | None, shared: Api) -> None:
        assert statuses(shared.with_key(header)) == {401}

    @pytest.mark.parametrize("in_body", ["", None, 5, True, [], {}, ["key"]])
    def test_body_key_that_is_none(self, in_body: object, shared: Api) -> None:
        asking = shared.with_key(None)
        answer = asking.book(day_after(TOMORROW), "03:00", api_key=in_body)
        assert (answer.status_code, answer.json()) == (
            401,
            {"detail": "Invalid API key"},
        )

    def test_listing_takes_the_key_from_the_header_alone(self, shared: Api) -> None:
        nameless, day = shared.with_key(None), str(day_after(TOMORROW))
        in_query = nameless.free_slots(day, api_key=shared.api_key)
        in_body = nameless.request(
            "GET",
            f"{FREE_SLOTS}/{shared.agent_id}?start_date={day}&end_date={day}",
            json={"api_key": shared.api_key},
        )
        assert (in_query.status_code, in_body.status_code) == (401, 401)

    def test_booking_takes_no_key_from_the_query(self, shared: Api) -> None:
        wish = shared.wish(day_after(TOMORROW), "03:00")
        path = f"{BOOKING}?api_key={shared.api_key}"
        answer = shared.with_key(None).request("POST", path, json=wish)
        assert answer.status_code == 401

    @pytest.mark.parametrize("key", ["é", "a" * 10_000, "a b", "'; --"])
    def test_odd_keys_are_wrong_keys(self, key: str, shared: Api) -> None:
        headers = {b"X-API-Key": key.encode("latin-1")}
        path = f"{FREE_SLOTS}/{shared.agent_id}?start_date=2026-12-01"
        answer = shared.http.get(shared.url + path, headers=headers)
        assert answer.status_code == 401

    @pytest.mark.parametrize("key", ["\0", "\ufeff", "🔑", "a" * 200_000])
    def test_odd_keys_in_the_body_are_wrong_keys(self, key: str, shared: Api) -> None:
        answer = shared.with_key(None).book(day_after(1), "03:00", api_key=key)
        assert answer.status_code == 401


class TestScope:
    async def test_key_of_some_agents_knows_no_other(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        now = utc_now()
        other = await parts.tenants.add_agent(
            business.tenant_id, "Bob", "UTC", from_datetime(now)
        )
        await parts.tenants.set_hours(other, {})
        _, secret = await parts.api_keys.create(
            business.tenant_id, now, agent_ids=[other.agent_id]
        )
        asking = api.with_key(secret)
        assert statuses(asking.with_agent(other.agent_id)) == {200, 409}
        assert statuses(asking) == {404}

    async def test_agent_of_another_tenant_is_an_unknown_agent(
        self, api: Api, parts: Parts
    ) -> None:
        other = await open_business(parts)
        foreign = api.with_agent(other.agent_id).free_slots(day_after(TOMORROW))
        unknown = api.with_agent(UNKNOWN_AGENT).free_slots(day_after(TOMORROW))
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.text.replace(other.agent_id, UNKNOWN_AGENT) == unknown.text

    async def test_inactive_agent(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        assert statuses(api) == {200, 409}
        await parts.tenants.update_agent(business.agent, is_active=False)
        assert statuses(api) == {404}
        await parts.tenants.update_agent(business.agent, is_active=True)
        assert statuses(api) == {200, 409}

    async def test_agent_without_hours(self, api: Api, parts: Parts) -> None:
        business = await open_business(parts, hours=None)
        answer = api.of(business).free_slots(day_after(TOMORROW))
        text = f"Business hours not found for agent {business.agent_id}"
        assert (answer.status_code, answer.json()) == (404, {"detail": text})
        assert statuses(api.of(business)) == {404}


class TestLifetime:
    async def test_revoked(self, api: Api, business: Business, parts: Parts) -> None:
        assert statuses(api) == {200, 409}  # the list is kept for the next asking
        (key,) = await parts.api_keys.all(business.tenant_id)
        await parts.api_keys.revoke(key, utc_now())
        assert statuses(api) == {401}

    async def test_expired(self, api: Api, business: Business, parts: Parts) -> None:
        ended = utc_now() - timedelta(seconds=1)
        _, secret = await parts.api_keys.create(
            business.tenant_id, utc_now(), expires_at=ended
        )
        assert statuses(api.with_key(secret)) == {401}

    async def test_expires_in_an_hour(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        ends = utc_now() + timedelta(hours=1)
        _, secret = await parts.api_keys.create(
            business.tenant_id, utc_now(), expires_at=ends
        )
        assert statuses(api.with_key(secret)) == {200, 409}

    @pytest.mark.parametrize(("hours", "old_works"), [(0, False), (1, True)])
    async def test_rotated(
        self, hours: int, old_works: bool, api: Api, business: Business, parts: Parts
    ) -> None:
        (key,) = await parts.api_keys.all(business.tenant_id)
        overlap = timedelta(hours=hours)
        _, secret = await parts.api_keys.rotate(key, utc_now(), overlap)
        assert statuses(api.with_key(secret)) == {200, 409}
        assert statuses(api) == ({200, 409} if old_works else {401})

    async def test_last_use_is_written_once_a_minute(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        before = utc_now()
        assert statuses(api) == {200, 409}
        (first,) = await parts.api_keys.all(business.tenant_id)
        assert statuses(api) == {200, 409}
        (second,) = await parts.api_keys.all(business.tenant_id)
        assert first.last_used_at is not None
        assert before <= first.last_used_at <= utc_now()
        assert second.last_used_at == first.last_used_at
