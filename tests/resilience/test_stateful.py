"""Random lives of two agents on real PostgreSQL, compared with a diary on paper."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count, pairwise
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.harness.island import island
from tests.harness.scenes.front_desk import FrontDesk, Place
from tests.harness.scenes.mirror import Mirror, ReadCalendar
from tests.resilience.diary import Diary, Rules, Span
from universal_calendar.bootstrap.parts import Parts, open_parts, start_server
from universal_calendar.core.errors import AgentNotFound, BookingRefused
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.booking.availability import Availability, SlotQuestion
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.store.housekeeping import ANSWERS_KEPT, Housekeeping
from universal_calendar.web.agent_api.answers import free_slots_body

T = TypeVar("T")
REFUSALS = (BookingRefused, AgentNotFound)
BEGINNING = datetime(2030, 3, 4, 7, 30, tzinfo=UTC)
FIRST, LAST = BEGINNING.date(), BEGINNING.date() + timedelta(days=9)
ZONES = ("UTC", "America/Bogota")
LENGTHS = (30, 45)
EXAMPLES, STEPS = 100, 30

AGENTS = st.integers(0, len(ZONES) - 1)
DAYS = st.integers(0, 3).map(lambda days: FIRST + timedelta(days=days))
MINUTES = st.integers(32, 72).map(lambda step: step * 15)
PAUSES = st.sampled_from((1, 59, 60, 299, 300, 900, 3600, 10800, 86400))
RULES = st.builds(
    Rules,
    opened=st.sampled_from((((540, 1020),), ((540, 720), (780, 1020)), ((600, 660),))),
    buffer=st.sampled_from((0, 0, 10, 15)),
    notice_hours=st.integers(0, 2),
    window_days=st.sampled_from((1, 8)),
    daily_limit=st.sampled_from((None, None, 2)),
    interval=st.sampled_from((None, 15, 20)),
    enforce_grid=st.booleans(),
)
Slots = dict[tuple[date, int], Span]


class Life(RuleBasedStateMachine):
    """Two agents of a tenant, what is done to them, and their diaries."""

    def __init__(self, runner: asyncio.Runner, parts: Parts) -> None:
        super().__init__()
        self.runner, self.parts = runner, parts
        self.desk = FrontDesk(parts)
        self.cached = Availability(parts.agendas, free_slots_body)
        self.now = BEGINNING
        self.agents: list[Agent] = []
        self.diaries: list[Diary] = []
        self.revisions: list[int] = []
        self.answers: dict[str, tuple[Place, bytes, datetime]] = {}
        self.keys = count()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @property
    def instant(self) -> Instant:
        return from_datetime(self.now)

    @initialize()
    def begin(self) -> None:
        now = self.instant
        tenant = self.run(self.parts.tenants.add("Acme", "UTC", now))
        for zone in ZONES:
            agent = self.run(
                self.parts.tenants.add_agent(tenant.tenant_id, zone, zone, now)
            )
            self.agents.append(agent)
            self.diaries.append(Diary(ZoneInfo(zone)))
            self.run(self.parts.tenants.set_hours(agent, Rules().document))
            self.revisions.append(self.revision(agent))
        self.mirror = Mirror(self.parts, tenant.tenant_id)
        shared = self.run(self.read_calendar())
        own = [self.run(self.read_calendar(each.agent_id)) for each in self.agents]
        self.calendars = [(shared, self.diaries)]
        self.calendars += [(c, [d]) for c, d in zip(own, self.diaries, strict=True)]

    async def read_calendar(self, agent_id: UUID | None = None) -> ReadCalendar:
        """Add a calendar that is never too old by the clock of the test."""
        calendar = await self.mirror.connect(agent_id)
        await self.mirror.set_calendar(calendar, read_at=BEGINNING + timedelta(days=99))
        return calendar

    def revision(self, agent: Agent) -> int:
        caller = Caller(tenant_id=agent.tenant_id)
        query = AgendaQuery(caller, agent.agent_id, FIRST, FIRST, self.instant)
        reading = self.run(self.parts.agendas.read(query))
        assert reading.agenda is not None
        return reading.agenda.revision

    def changed(self, who: int) -> None:
        """Assert that the revision has grown, if anybody can see it."""
        if self.diaries[who].is_active:
            revision = self.revision(self.agents[who])
            assert revision > self.revisions[who]
            self.revisions[who] = revision

    def place(self, who: int, day: date, minute: int, minutes: int) -> Place:
        return Place(self.agents[who], day, minute, minutes)

    def try_to_book(
        self, who: int, place: Place, *, hold_id: UUID | None, key: str | None = None
    ) -> None:
        diary = self.diaries[who]
        span = diary.span(place.day, place.minute, place.minutes)
        booking = self.desk.book(place, self.instant, hold_id=hold_id, key=key)
        if not diary.allows(span, self.now, hold_id):
            with pytest.raises(REFUSALS):
                self.run(booking)
            return
        booked = self.run(booking)
        assert booked.appointment_id is not None
        diary.appointments[booked.appointment_id] = span
        if hold_id is not None:
            diary.holds.pop(hold_id, None)
        if key is not None:
            self.answers[key] = place, booked.answer.body, self.now
        self.changed(who)

    @rule(who=AGENTS, day=DAYS, minute=MINUTES, minutes=st.sampled_from(LENGTHS))
    def book_anything(self, who: int, day: date, minute: int, minutes: int) -> None:
        self.try_to_book(who, self.place(who, day, minute, minutes), hold_id=None)

    @rule(who=AGENTS, minutes=st.sampled_from(LENGTHS), data=st.data())
    def book_what_is_listed(self, who: int, minutes: int, data: st.DataObject) -> None:
        listed = list(self.listed(who, minutes, self.cached))
        if not listed:
            return
        day, minute = data.draw(st.sampled_from(listed))
        place = self.place(who, day, minute, minutes)
        before = len(self.diaries[who].appointments)
        self.try_to_book(who, place, hold_id=None, key=f"key {next(self.keys)}")
        assert len(self.diaries[who].appointments) == before + 1

    @rule(who=AGENTS, minutes=st.sampled_from(LENGTHS), data=st.data())
    def race_for_what_is_listed(
        self, who: int, minutes: int, data: st.DataObject
    ) -> None:
        listed = list(self.listed(who, minutes, self.cached))
        if not listed:
            return
        day, minute = data.draw(st.sampled_from(listed))
        place = self.place(who, day, minute, minutes)

        async def race() -> list[Any]:
            entrants = [self.desk.book(place, self.instant) for _ in range(3)]
            return await asyncio.gather(*entrants, return_exceptions=True)

        results = self.run(race())
        won = [each for each in results if not isinstance(each, BaseException)]
        lost = [each for each in results if isinstance(each, BaseException)]
        assert len(won) == 1
        assert all(isinstance(each, BookingRefused) for each in lost), lost
        span = self.diaries[who].span(day, minute, minutes)
        self.diaries[who].appointments[won[0].appointment_id] = span
        self.changed(who)

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.answers)))
        place, body, _ = self.answers[key]
        if self.diaries[self.agents.index(place.agent)].is_active:
            again = self.run(self.desk.book(place, self.instant, key=key))
            assert again.is_replay
            assert again.answer.body == body

    @rule(
        who=AGENTS,
        day=DAYS,
        minute=MINUTES,
        minutes=st.sampled_from(LENGTHS),
        ttl=st.sampled_from((1, 60, 300, 900)),
    )
    def hold(self, who: int, day: date, minute: int, minutes: int, ttl: int) -> None:
        diary, place = self.diaries[who], self.place(who, day, minute, minutes)
        span = diary.span(day, minute, minutes)
        holding = self.desk.hold(place, self.instant, ttl)
        if not diary.allows(span, self.now):
            with pytest.raises(REFUSALS):
                self.run(holding)
            return
        hold = self.run(holding)
        diary.holds[hold.hold_id] = span, self.now + timedelta(seconds=ttl)
        self.changed(who)

    def some_hold(self, who: int, data: st.DataObject) -> UUID:
        return data.draw(st.sampled_from(list(self.diaries[who].holds)))

    @precondition(lambda self: any(diary.holds for diary in self.diaries))
    @rule(data=st.data(), elsewhere=st.integers(0, 3))
    def convert_hold(self, data: st.DataObject, elsewhere: int) -> None:
        who = next(n for n, diary in enumerate(self.diaries) if diary.holds)
        hold_id = self.some_hold(who, data)
        span, _ = self.diaries[who].holds[hold_id]
        start = span.start + timedelta(minutes=15 * elsewhere)
        minutes = (span.end - span.start) // timedelta(minutes=1)
        minute = start.hour * 60 + start.minute
        place = self.place(who, start.date(), minute, minutes)
        self.try_to_book(who, place, hold_id=hold_id)

    @precondition(lambda self: any(diary.holds for diary in self.diaries))
    @rule(data=st.data())
    def release_hold(self, data: st.DataObject) -> None:
        who = next(n for n, diary in enumerate(self.diaries) if diary.holds)
        hold_id = self.some_hold(who, data)
        _, until = self.diaries[who].holds.pop(hold_id)
        self.run(self.desk.release(self.agents[who], hold_id))
        if until > self.now:
            self.changed(who)

    @precondition(lambda self: any(diary.appointments for diary in self.diaries))
    @rule(data=st.data(), again=st.booleans())
    def cancel(self, data: st.DataObject, again: bool) -> None:
        who = next(n for n, diary in enumerate(self.diaries) if diary.appointments)
        diary = self.diaries[who]
        chosen = data.draw(st.sampled_from(list(diary.appointments)))
        del diary.appointments[chosen]
        for _ in range(1 + again):
            self.run(self.desk.cancel(self.agents[who], chosen, self.instant))
        self.changed(who)

    @rule(
        which=st.integers(0, len(ZONES)),
        day=DAYS,
        minute=MINUTES,
        seconds=st.sampled_from((900, 1800, 5400, 5401, 86400)),
    )
    def owner_adds(self, which: int, day: date, minute: int, seconds: int) -> None:
        calendar, diaries = self.calendars[which]
        start = datetime.combine(day, time(minute // 60, minute % 60), UTC)
        end = start + timedelta(seconds=seconds)
        event_id = self.run(self.mirror.take(calendar, start, end))
        for diary in diaries:
            diary.events[event_id] = Span(start, end)
            self.changed(self.diaries.index(diary))

    @precondition(lambda self: any(diary.events for diary in self.diaries))
    @rule(data=st.data())
    def owner_deletes(self, data: st.DataObject) -> None:
        known = {each for diary in self.diaries for each in diary.events}
        event_id = data.draw(st.sampled_from(sorted(known)))
        self.run(self.mirror.drop(event_id))
        for who, diary in enumerate(self.diaries):
            if diary.events.pop(event_id, None) is not None:
                self.changed(who)

    @rule(who=AGENTS, rules=RULES)
    def change_hours(self, who: int, rules: Rules) -> None:
        self.run(self.parts.tenants.set_hours(self.agents[who], rules.document))
        self.diaries[who].rules = rules
        self.changed(who)

    @rule(who=AGENTS)
    def come_or_go(self, who: int) -> None:
        diary = self.diaries[who]
        diary.is_active = not diary.is_active
        agent = self.agents[who]
        self.run(self.parts.tenants.update_agent(agent, is_active=diary.is_active))
        self.changed(who)

    @rule(seconds=PAUSES)
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: any(diary.holds for diary in self.diaries))
    @rule(just_before=st.booleans())
    def wait_for_the_next_expiry(self, just_before: bool) -> None:
        moments = [until for d in self.diaries for _, until in d.holds.values()]
        edge = min(moments) - timedelta(microseconds=just_before)
        self.now = max(self.now, edge)

    @rule()
    def keep_house(self) -> None:
        self.run(Housekeeping(self.parts.database).clear(self.now))
        cleared = self.now - ANSWERS_KEPT
        kept = {k: each for k, each in self.answers.items() if each[2] >= cleared}
        self.answers = kept

    def listed(self, who: int, minutes: int, availability: Availability) -> Slots:
        """Return the listed starts of an agent, none for one that is inactive."""
        body = self.slots(who, minutes, availability)
        found: Slots = {}
        for day in orjson.loads(body)["available_slots"] if body else []:
            for slot in day["slots"]:
                hour, minute = slot["start"].split(":")
                key = date.fromisoformat(day["date"]), int(hour) * 60 + int(minute)
                found[key] = self.diaries[who].span(*key, minutes)
        return found

    def slots(self, who: int, minutes: int, availability: Availability) -> bytes:
        agent = self.agents[who]
        question = SlotQuestion(agent.agent_id, FIRST, LAST, minutes)
        caller = Caller(tenant_id=agent.tenant_id)
        try:
            asked = availability.slots(caller, question, self.instant)
            return self.run(asked).body
        except AgentNotFound:
            assert not self.diaries[who].is_active
            return b""

    @invariant()
    def cached_answers_equal_fresh_ones(self) -> None:
        for who in range(len(self.agents)):
            for minutes in LENGTHS:
                fresh = Availability(self.parts.agendas, free_slots_body)
                remembered = self.slots(who, minutes, self.cached)
                assert remembered == self.slots(who, minutes, fresh)

    @invariant()
    def the_list_is_the_diary_s(self) -> None:
        for who, diary in enumerate(self.diaries):
            minutes = LENGTHS[0]
            expected = {
                (day, minute)
                for day in (FIRST + timedelta(days=n) for n in range(10))
                for opens, closes in diary.rules.opened
                for minute in range(opens, closes, diary.rules.interval or minutes)
                if diary.allows(diary.span(day, minute, minutes), self.now)
            }
            assert set(self.listed(who, minutes, self.cached)) == expected

    @invariant()
    def nothing_overlaps(self) -> None:
        for agent, diary in zip(self.agents, self.diaries, strict=True):
            taken = self.run(self.claims(agent))
            assert all(a[1] <= b[0] for a, b in pairwise(taken))
            live = sorted((span.start, span.end) for span in diary.live(self.now))
            assert taken == live

    async def claims(self, agent: Agent) -> list[tuple[datetime, datetime]]:
        query = (
            "SELECT starts_at, ends_at FROM claims WHERE tenant_id = %s"
            " AND agent_id = %s AND (expires_at IS NULL OR expires_at > %s) ORDER BY 1"
        )
        async with self.parts.database.transaction(agent.tenant_id) as connection:
            cursor = await connection.execute(
                query, [agent.tenant_id, agent.agent_id, self.now]
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]


def test_random_lives_keep_to_the_diary() -> None:
    bounds = hypothesis_settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with island() as place, asyncio.Runner() as runner:
        server = start_server(place.settings)
        opened = open_parts(place.settings, server)
        parts = runner.run(opened.__aenter__())
        try:
            life = partial(Life, runner, parts)
            run_state_machine_as_test(
                life,  # type: ignore[arg-type]  # it takes any maker of machines
                settings=bounds,
            )
        finally:
            runner.run(opened.__aexit__(None, None, None))
            assert server.embedded is not None
            server.embedded.stop()
