"""Whose time a mirrored event takes is kept as it was told, and compared with it."""

from tests.harness.scenes.schedules import Schedule
from universal_calendar.core.instant import HOUR
from universal_calendar.core.sync import Reading, window_at
from universal_calendar.core.sync_plan import MirroredTime
from universal_calendar.services.ports.mirror import Mirrored
from universal_calendar.services.ports.syncs import Tally
from universal_calendar.store.calendars.mirror import MirrorTable

TOLD = [None, (), ("",), ("t-1",), ("tëch", "b", "a", "b"), tuple(map(str, range(99)))]


async def mirror(schedule: Schedule, *told: tuple[str, ...] | None) -> Tally:
    """Mirror an event for each, all of them in the same hour."""
    table = MirrorTable(schedule.parts.database, schedule.parts.keyring)
    now = schedule.began
    calendar = await table.lease(*schedule.ids, now, now + HOUR)
    assert calendar is not None
    assert calendar.is_schedule
    times = [
        MirroredTime(f"event-{number}", now, now + HOUR, 5, technicians)
        for number, technicians in enumerate(told)
    ]
    mirrored = Mirrored([each.event_id for each in times], times, is_full=True)
    reading = Reading({}, window_at(now), is_full=True, began=now)
    tally = await table.mirror(calendar, mirrored, reading)
    await schedule.rows("UPDATE calendars SET leased_until = NULL")
    return tally


async def kept(schedule: Schedule) -> list[object]:
    rows = await schedule.rows(
        "SELECT technicians FROM mirrored_times ORDER BY event_id"
    )
    return [row[0] for row in rows]


async def test_technicians_are_kept_as_told_each_once(schedule: Schedule) -> None:
    assert await mirror(schedule, *TOLD) == Tally(6, 6, 0, 0)
    expected = [None if each is None else sorted(set(each)) for each in TOLD]
    assert await kept(schedule) == expected
    assert await mirror(schedule, *TOLD) == Tally(6)


async def test_another_technician_is_a_change(schedule: Schedule) -> None:
    await mirror(schedule, None, ("a",), ("a", "b"), ("a", "b"), (), None)
    tally = await mirror(schedule, (), None, ("a",), ("b", "a"), (), ("",))
    assert tally == Tally(6, 0, 4, 0)
    assert await kept(schedule) == [[], None, ["a"], ["a", "b"], [], [""]]
