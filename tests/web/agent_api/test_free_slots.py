"""Listing free slots: which days, which times, in whose zone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.web.agent_api.conftest import Cancel
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.schedule import WEEKDAYS

AROUND_THE_CLOCK: dict[str, object] = {
    "working_hours": {day: [{"start": "00:00", "end": "24:00"}] for day in WEEKDAYS}
}
NEW_YORK = ZoneInfo("America/New_York")


def days_in(answer: object) -> list[str]:
    assert isinstance(answer, dict)
    return [each["date"] for each in answer["available_slots"]]


@pytest.mark.proves("GET /api/calendar/free-slots/{agent_id}")
def test_whole_answer(api: Api) -> None:
    first, last = day_after(1), day_after(2)
    hours = [
        {"start": f"{hour:02}:00", "end": f"{hour + 2:02}:00", "duration_minutes": 120}
        for hour in (9, 11, 13, 15)
    ]
    answer = api.free_slots(first, last, duration_minutes=120)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "agent_id": api.agent_id,
        "start_date": str(first),
        "end_date": str(last),
        "timezone": "UTC",
        "slot_duration_minutes": 120,
        "total_days_with_availability": 2,
        "available_slots": [
            {
                "date": str(day),
                "day_of_week": f"{day:%A}",
                "total_slots": 4,
                "slots": hours,
            }
            for day in (first, last)
        ],
    }


class TestRange:
    def test_one_day(self, shared: Api) -> None:
        day = day_after(5)
        assert days_in(shared.free_slots(day, day).json()) == [str(day)]

    def test_ninety_days_apart(self, shared: Api) -> None:
        answer = shared.free_slots(day_after(0), day_after(90))
        assert answer.status_code == 200
        assert days_in(answer.json())[-1] == str(day_after(90))

    def test_ninety_one_days_apart(self, shared: Api) -> None:
        assert shared.free_slots(day_after(0), day_after(91)).status_code == 400

    def test_length_is_judged_where_nothing_is_free(self, shared: Api) -> None:
        assert (
            shared.free_slots("1999-01-01", "1999-04-01").json()["available_slots"]
            == []
        )
        assert shared.free_slots("1999-01-01", "1999-04-02").status_code == 400

    def test_days_before_today_are_left_out(self, shared: Api) -> None:
        answer = shared.free_slots(day_after(-10), day_after(1)).json()
        assert (answer["start_date"], answer["end_date"]) == (
            str(day_after(-10)),
            str(day_after(1)),
        )
        assert min(days_in(answer)) >= str(day_after(0))

    def test_days_beyond_the_booking_window_are_left_out(self, shared: Api) -> None:
        answer = shared.free_slots(day_after(85), day_after(100)).json()
        assert max(days_in(answer)) == str(day_after(90))

    async def test_days_without_slots_are_left_out(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        closed: dict[str, list[object]] = {str(day_after(2)): []}
        await parts.tenants.set_hours(business.agent, EVERY_DAY | {"overrides": closed})
        answer = api.free_slots(day_after(1), day_after(3)).json()
        assert days_in(answer) == [str(day_after(1)), str(day_after(3))]
        assert answer["total_days_with_availability"] == 2


class TestDuration:
    def test_default_is_thirty(self, shared: Api) -> None:
        answer = shared.free_slots(day_after(1)).json()
        assert answer["slot_duration_minutes"] == 30
        assert answer["available_slots"][0]["total_slots"] == 16

    async def test_default_is_thirty_beside_another_usual_length(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        usual = {"default_appointment_duration": 60}
        await parts.tenants.set_hours(business.agent, {**EVERY_DAY, **usual})
        answer = api.free_slots(day_after(1)).json()
        assert answer["slot_duration_minutes"] == 30
        booked = api.book(day_after(1), "10:00").json()
        assert booked["details"]["duration_minutes"] == 30

    @pytest.mark.parametrize(("minutes", "slots"), [(1, 480), (7, 68), (480, 1)])
    def test_any_length(self, minutes: int, slots: int, shared: Api) -> None:
        answer = shared.free_slots(day_after(1), duration_minutes=minutes).json()
        assert answer["available_slots"][0]["total_slots"] == slots

    async def test_what_does_not_fit_is_left_out(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        short = {day: [{"start": "09:00", "end": "10:00"}] for day in WEEKDAYS}
        await parts.tenants.set_hours(business.agent, {"working_hours": short})
        assert api.starts(day_after(1), duration_minutes=45) == ["09:00"]
        assert api.starts(day_after(1), duration_minutes=61) == []


class TestTime:
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
    async def test_today_is_the_agents(self, zone: str, api: Api, parts: Parts) -> None:
        rules = {"min_advance_booking_hours": 0, "max_advance_booking_days": 0}
        business = await open_business(
            parts, hours=AROUND_THE_CLOCK | rules, timezone=zone
        )
        answer = api.of(business).free_slots(
            day_after(-2), day_after(2), duration_minutes=1
        )
        today = utc_now().astimezone(ZoneInfo(zone)).date()
        assert answer.json()["timezone"] == zone
        assert days_in(answer.json()) == [str(today)]

    async def test_notice_hides_the_next_hours(self, api: Api, parts: Parts) -> None:
        hours = AROUND_THE_CLOCK | {"min_advance_booking_hours": 5}
        business = await open_business(parts, hours=hours)
        asking, earliest = api.of(business), utc_now() + timedelta(hours=5)
        answer = asking.free_slots(day_after(0), day_after(1), duration_minutes=1)
        day = answer.json()["available_slots"][0]
        first = datetime.fromisoformat(f"{day['date']}T{day['slots'][0]['start']}Z")
        assert earliest <= first <= earliest + timedelta(minutes=2)

    async def test_end_at_midnight(self, api: Api, parts: Parts) -> None:
        business = await open_business(parts, hours=AROUND_THE_CLOCK)
        answer = api.of(business).free_slots(day_after(1), duration_minutes=60).json()
        last = answer["available_slots"][0]["slots"][-1]
        assert last == {"start": "23:00", "end": "00:00", "duration_minutes": 60}

    def test_nothing_is_said_of_calendars_that_are_silent_about_nothing(
        self, shared: Api
    ) -> None:
        assert (
            shared.free_slots(day_after(1))
            .json()
            .keys()
            .isdisjoint({"warnings", "verified"})
        )


def next_change(zone: ZoneInfo, *, forward: bool) -> date:
    """Return the next day on which the zone's clocks are put forward or back."""
    for offset in range(2, 400):
        day = day_after(offset)
        shifts = [
            datetime(each.year, each.month, each.day, tzinfo=zone).utcoffset()
            for each in (day, day + timedelta(days=1))
        ]
        assert shifts[0] is not None and shifts[1] is not None  # noqa: PT018 - of one kind
        if (shifts[1] > shifts[0]) if forward else (shifts[1] < shifts[0]):
            return day
    raise AssertionError(zone)


class TestSummerTime:
    @pytest.fixture
    async def new_york(self, api: Api, parts: Parts) -> Api:
        early = {day: [{"start": "00:00", "end": "04:00"}] for day in WEEKDAYS}
        hours = {"working_hours": early, "max_advance_booking_days": 400}
        zone = NEW_YORK.key
        return api.of(await open_business(parts, hours=hours, timezone=zone))

    def test_hour_that_is_skipped(self, new_york: Api) -> None:
        day = next_change(NEW_YORK, forward=True)
        answer = new_york.free_slots(day, duration_minutes=60).json()
        slots = answer["available_slots"][0]["slots"]
        assert [(slot["start"], slot["end"]) for slot in slots] == [
            ("00:00", "01:00"),
            ("01:00", "03:00"),
            ("03:00", "04:00"),
        ]
        refused = new_york.book(day, "02:30")
        assert (refused.status_code, refused.json()["code"]) == (409, "no_such_time")
        assert new_york.book(day, "01:00", duration_minutes=60).status_code == 201
        assert new_york.starts(day, duration_minutes=60) == ["00:00", "03:00"]

    def test_hour_that_comes_twice(self, new_york: Api) -> None:
        day = next_change(NEW_YORK, forward=False)
        starts = ["00:00", "01:00", "02:00", "03:00"]
        assert new_york.starts(day, duration_minutes=60) == starts
        assert new_york.book(day, "01:00", duration_minutes=60).status_code == 201
        assert new_york.starts(day, duration_minutes=60) == ["00:00", "02:00", "03:00"]


class TestFreshness:
    """Answers are kept; what was true a moment ago must not be told as true now."""

    def test_a_booking_shows_at_once(self, api: Api) -> None:
        day = day_after(1)
        assert "10:00" in api.starts(day)
        assert api.book(day, "10:00").status_code == 201
        assert "10:00" not in api.starts(day)

    async def test_a_cancellation_shows_at_once(
        self, api: Api, business: Business, cancel: Cancel
    ) -> None:
        day = day_after(1)
        booked = api.book(day, "10:00").json()["booking_id"]
        assert "10:00" not in api.starts(day)
        await cancel(business, booked)
        assert "10:00" in api.starts(day)

    async def test_new_hours_and_a_new_zone_show_at_once(
        self, api: Api, business: Business, parts: Parts
    ) -> None:
        day = day_after(2)
        assert len(api.starts(day)) == 16
        await parts.tenants.set_hours(business.agent, AROUND_THE_CLOCK)
        assert len(api.starts(day)) == 48
        await parts.tenants.update_agent(business.agent, timezone="Asia/Tokyo")
        assert api.free_slots(day).json()["timezone"] == "Asia/Tokyo"

    def test_two_keys_of_two_tenants_do_not_share_answers(
        self, api: Api, shared: Api
    ) -> None:
        day = day_after(1)
        assert api.free_slots(day).status_code == 200
        assert shared.with_agent(api.agent_id).free_slots(day).status_code == 404
