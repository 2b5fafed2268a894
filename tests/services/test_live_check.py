"""What a live check makes of events in a calendar that bear our mark."""

from collections.abc import Sequence

from tests.harness.scenes.synced import Synced
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.services.calendars.calendar_writes import event_key


async def asked(synced: Synced) -> Sequence[Interval]:
    """Return what the calendar's provider says takes the day, besides the claims."""
    morning = synced.hour(0).start
    day = Interval(morning, morning + 12 * HOUR)
    found = await synced.asked(synced.business.agent, day)
    assert found is not None
    return found


async def test_ours_is_left_to_its_claim(synced: Synced) -> None:
    await synced.written(synced.hour(0))
    synced.add(synced.hour(1))
    assert await asked(synced) == [synced.hour(1)]


async def test_moved_there_it_takes_the_time_there(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    synced.drag(event_key(appointment_id, 0), synced.hour(4))
    assert await asked(synced) == [synced.hour(4)]
    # It is read at once, and then a claim again.
    assert (await synced.calendar())["wanted_at"] is not None
    await synced.sync()
    assert await asked(synced) == []


async def test_what_was_moved_here_and_is_not_written_yet_holds(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.move(appointment_id, synced.hour(4))
    assert await asked(synced) == []


async def test_a_copy_takes_no_time_while_its_appointment_stands(
    synced: Synced,
) -> None:
    appointment_id = await synced.written(synced.hour(0))
    (event,) = synced.sandbox.events(synced.there)
    copy = {name: event[name] for name in ("title", "start", "end", "properties")}
    synced.sandbox.owner_adds(synced.there, **copy)
    assert await asked(synced) == []
    await synced.cancel(appointment_id)
    await synced.write(appointment_id)
    synced.wait(SECOND)
    assert await asked(synced) == [synced.hour(0)]
