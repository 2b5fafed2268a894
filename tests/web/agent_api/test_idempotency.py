"""Asking twice is answered twice and done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.harness.scenes.business import Business, open_business
from tests.web.agent_api.conftest import Cancel
from tests.web.api import BOOKING, Api, day_after
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now

ONCE = {"Idempotency-Key": "5f3c-once"}
REFERENCE: dict[str, Any] = {"external_reference_id": "EXT-12345"}
TWINS = 16

Ask = Callable[[], httpx2.Response]


def at_once(ask: Ask, count: int = TWINS) -> list[httpx2.Response]:
    """Ask from so many threads at the same time."""
    with ThreadPoolExecutor(count) as threads:
        return [done.result() for done in [threads.submit(ask) for _ in range(count)]]


async def appointments_of(business: Business, parts: Parts) -> int:
    async with parts.database.transaction(business.tenant_id) as connection:
        cursor = await connection.execute("SELECT count(*) FROM appointments")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


class TestIdempotencyKey:
    def test_retry_gets_the_first_answer(self, api: Api) -> None:
        first = api.book(day_after(1), "10:00", ONCE)
        again = api.book(day_after(1), "10:00", ONCE)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content

    def test_without_a_key_the_second_is_refused(self, api: Api) -> None:
        assert api.book(day_after(1), "10:00").status_code == 201
        assert api.book(day_after(1), "10:00").status_code == 409

    async def test_twins_at_once(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        answers = at_once(lambda: api.book(day_after(1), "10:00", ONCE))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await appointments_of(business, parts) == 1

    def test_another_payload_is_refused(self, api: Api) -> None:
        api.book(day_after(1), "10:00", ONCE)
        answer = api.book(day_after(1), "10:00", ONCE, participant_name="Jane Doe")
        assert answer.status_code == 422
        (problem,) = answer.json()["detail"]
        assert problem["loc"] == ["header", "Idempotency-Key"]
        assert problem.keys() == {"loc", "msg", "type"}

    @pytest.mark.parametrize(
        "other",
        [
            {"booking_time": "10:30"},
            {"duration_minutes": 31},
            {"participant_phone": "5"},
            {"participant_email": "j@example.com"},
            {"description": ""},
            {"external_reference_id": "EXT"},
        ],
    )
    def test_every_known_field_counts(self, other: dict[str, object], api: Api) -> None:
        api.book(day_after(1), "10:00", ONCE)
        wish = api.wish(day_after(1), "10:00") | other
        answer = api.request("POST", BOOKING, ONCE, json=wish)
        assert answer.status_code == 422

    def test_what_does_not_count(self, api: Api) -> None:
        day = day_after(1)
        first = api.book(day, "10:00", ONCE)
        for same in (
            api.book(day, "10:00:00", ONCE),
            api.book(day, "10:00", ONCE, duration_minutes=30),
            api.book(day, "10:00", ONCE, description=None),
            api.book(day, "10:00", ONCE, unknown_field="ignored"),
            api.book(day, "10:00", ONCE, api_key="ignored too"),
            api.book(day, "10:00", ONCE, agent_id=api.agent_id.upper()),
        ):
            assert (same.status_code, same.content) == (201, first.content)

    async def test_retry_after_a_cancellation_gets_the_first_answer(
        self, api: Api, business: Business, cancel: Cancel
    ) -> None:
        first = api.book(day_after(1), "10:00", ONCE)
        await cancel(business, first.json()["booking_id"])
        again = api.book(day_after(1), "10:00", ONCE)
        assert (again.status_code, again.content) == (201, first.content)
        assert "10:00" in api.starts(day_after(1))

    def test_a_refusal_is_not_kept(self, api: Api) -> None:
        assert api.book(day_after(1), "03:00", ONCE).status_code == 409
        assert api.book(day_after(1), "10:00", ONCE).status_code == 201

    async def test_a_lost_slot_is_not_kept(
        self, api: Api, business: Business, cancel: Cancel
    ) -> None:
        taken = api.book(day_after(1), "10:00").json()["booking_id"]
        assert api.book(day_after(1), "10:00", ONCE).status_code == 409
        await cancel(business, taken)
        assert api.book(day_after(1), "10:00", ONCE).status_code == 201

    async def test_another_tenant_may_use_the_same_key(
        self, api: Api, parts: Parts
    ) -> None:
        other = api.of(await open_business(parts))
        mine, theirs = (each.book(day_after(1), "10:00", ONCE) for each in (api, other))
        assert (mine.status_code, theirs.status_code) == (201, 201)
        assert mine.json()["booking_id"] != theirs.json()["booking_id"]

    async def test_another_key_of_the_tenant_means_the_same_request(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        _, secret = await parts.api_keys.create(business.tenant_id, utc_now())
        first = api.book(day_after(1), "10:00", ONCE)
        again = api.with_key(secret).book(day_after(1), "10:00", ONCE)
        assert (again.status_code, again.content) == (201, first.content)

    def test_other_routes_do_not_look_at_it(self, api: Api) -> None:
        api.book(day_after(1), "10:00", ONCE)
        path = f"/api/calendar/free-slots/{api.agent_id}"
        asked = {"start_date": str(day_after(1)), "end_date": str(day_after(1))}
        answer = api.request("GET", path, ONCE, params=asked)
        assert answer.status_code == 200

    @pytest.mark.parametrize("key", ["a", "~" * 255, '"quoted"', "a/b?c=d"])
    def test_keys_that_are_taken(self, key: str, api: Api) -> None:
        headers = {"Idempotency-Key": key}
        first = api.book(day_after(1), "10:00", headers)
        again = api.book(day_after(1), "10:00", headers)
        assert (again.status_code, again.content) == (201, first.content)

    @pytest.mark.parametrize("key", ["", "a b", "a" * 256, "a\tb", "\u00e9"])
    def test_keys_that_are_not(self, key: str, api: Api) -> None:
        headers = {"Idempotency-Key": key.encode("latin-1")}
        answer = api.book(day_after(1), "10:00", headers)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]


class TestReference:
    def test_same_reference_and_payload_is_the_same_booking(self, api: Api) -> None:
        first = api.book(day_after(1), "10:00", **REFERENCE)
        again = api.book(day_after(1), "10:00", **REFERENCE)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content

    async def test_twins_at_once(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        answers = at_once(lambda: api.book(day_after(1), "10:00", **REFERENCE))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await appointments_of(business, parts) == 1

    def test_another_payload_is_a_booking_of_its_own(self, api: Api) -> None:
        first = api.book(day_after(1), "10:00", **REFERENCE)
        other = api.book(day_after(1), "11:00", **REFERENCE)
        assert (first.status_code, other.status_code) == (201, 201)
        assert first.json()["booking_id"] != other.json()["booking_id"]
        again = api.book(day_after(1), "11:00", **REFERENCE)
        assert again.content == other.content

    def test_another_payload_at_the_same_time_is_refused(self, api: Api) -> None:
        api.book(day_after(1), "10:00", **REFERENCE)
        other = api.book(day_after(1), "10:00", participant_name="Jane", **REFERENCE)
        assert other.status_code == 409

    async def test_after_a_cancellation_it_books_anew(
        self, api: Api, business: Business, cancel: Cancel
    ) -> None:
        first = api.book(day_after(1), "10:00", **REFERENCE)
        await cancel(business, first.json()["booking_id"])
        again = api.book(day_after(1), "10:00", **REFERENCE)
        assert again.status_code == 201
        assert again.json()["booking_id"] != first.json()["booking_id"]

    def test_an_empty_reference_is_none(self, api: Api) -> None:
        assert (
            api.book(day_after(1), "10:00", external_reference_id="").status_code == 201
        )
        assert (
            api.book(day_after(1), "10:00", external_reference_id="").status_code == 409
        )

    async def test_other_agents_may_use_the_same_reference(
        self, api: Api, parts: Parts
    ) -> None:
        other = api.of(await open_business(parts))
        mine, theirs = (
            each.book(day_after(1), "10:00", **REFERENCE) for each in (api, other)
        )
        assert mine.json()["booking_id"] != theirs.json()["booking_id"]


class TestBoth:
    def test_retry_without_the_key_finds_the_reference(self, api: Api) -> None:
        first = api.book(day_after(1), "10:00", ONCE, **REFERENCE)
        again = api.book(day_after(1), "10:00", **REFERENCE)
        assert (again.status_code, again.content) == (201, first.content)

    async def test_an_answer_by_reference_is_kept_under_the_key(
        self, api: Api, business: Business, cancel: Cancel
    ) -> None:
        first = api.book(day_after(1), "10:00", **REFERENCE)
        keyed = api.book(day_after(1), "10:00", ONCE, **REFERENCE)
        assert keyed.content == first.content
        await cancel(business, first.json()["booking_id"])
        again = api.book(day_after(1), "10:00", ONCE, **REFERENCE)
        assert again.content == keyed.content

    def test_a_key_that_was_answered_by_reference_belongs_to_that_request(
        self, api: Api
    ) -> None:
        api.book(day_after(1), "10:00", **REFERENCE)
        assert api.book(day_after(1), "10:00", ONCE, **REFERENCE).status_code == 201
        assert api.book(day_after(1), "11:00", ONCE).status_code == 422

    async def test_twins_at_once_with_both(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        answers = at_once(lambda: api.book(day_after(1), "10:00", ONCE, **REFERENCE))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await appointments_of(business, parts) == 1
