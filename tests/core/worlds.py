"""Random worlds for the oracle, and the same worlds as the core's agendas."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.core.oracle import (
    HOUR,
    MINUTE,
    WEEKDAYS,
    Asked,
    Moment,
    Span,
    World,
    Written,
    on_the_wall,
)
from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import (
    Busy,
    BusySource,
    BusyTimes,
    BusyType,
    Claims,
)
from universal_calendar.core.hours import parse_hours
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval

SOME_ID = UUID(int=7)
_EPOCH: Moment = 946_684_800_000_000
PLACES = [  # settled dates: governments change the future
    ("UTC", date(2025, 3, 1)),
    ("America/New_York", date(2025, 3, 9)),
    ("America/New_York", date(2025, 11, 2)),
    ("Australia/Lord_Howe", date(2025, 4, 6)),  # half an hour
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Africa/Casablanca", date(2025, 2, 23)),
    ("Africa/Casablanca", date(2025, 4, 6)),
    ("America/Havana", date(2025, 3, 9)),  # midnight is skipped
    ("America/Havana", date(2025, 11, 2)),  # midnight happens twice
    ("America/Asuncion", date(2024, 10, 6)),
    ("America/Asuncion", date(2024, 3, 23)),  # 24:00 becomes 23:00
    ("Asia/Kathmandu", date(1986, 1, 1)),  # a gap of 15 minutes
    ("Asia/Kathmandu", date(2025, 6, 1)),
    ("Pacific/Chatham", date(2025, 4, 6)),
    ("Pacific/Chatham", date(2025, 9, 28)),
    ("Antarctica/Troll", date(2025, 3, 30)),  # two hours
    ("Antarctica/Troll", date(2025, 10, 26)),
    ("Africa/Cairo", date(2025, 4, 25)),
    ("Africa/Cairo", date(2025, 10, 30)),
]


@dataclass(frozen=True)
class Case:
    """A world, the day in the middle of the question, a length and a moment."""

    world: World
    middle: date
    minutes: int
    now: Moment

    @property
    def first(self) -> date:
        """Return the day before the middle."""
        return self.middle - timedelta(days=1)

    @property
    def last(self) -> date:
        """Return the day after the middle."""
        return self.middle + timedelta(days=1)

    @property
    def length(self) -> int:
        """Return the length asked for in microseconds."""
        return self.minutes * MINUTE


def instant(moment: Moment) -> Instant:
    """Count from 2000 as the core does."""
    return moment - _EPOCH


def moment(instant: Instant) -> Moment:
    """Count from 1970 as the oracle does."""
    return instant + _EPOCH


def document_of(world: World) -> dict[str, object]:
    """Write the world's hours and rules as an hours document."""
    asked = world.asked
    return {
        "working_hours": world.weekly,
        "overrides": {str(day): spans for day, spans in world.overrides.items()},
        "buffer_before_minutes": asked.before,
        "buffer_after_minutes": asked.after,
        "min_advance_booking_hours": asked.notice_hours,
        "max_advance_booking_days": asked.window_days,
        "slot_interval_minutes": asked.interval,
        "alignment": asked.alignment,
        "enforce_grid": asked.enforce_grid,
        "max_appointments_per_day": asked.daily_limit,
    }


def agenda_of(world: World, next_expiry: Instant | None = None) -> Agenda:
    """Return the world as the core sees it."""
    hours = parse_hours(document_of(world))
    claims = Claims.of(
        [instant(start) for start, _ in world.claims],
        [instant(end) for _, end in world.claims],
    )
    return Agenda(
        tenant_id=SOME_ID,
        agent_id=SOME_ID,
        revision=1,
        zone=world.zone,
        schedule=hours.schedule,
        rules=hours.rules,
        claims=claims,
        busy=_busy_of(world),
        next_expiry=next_expiry,
    )


def _busy_of(world: World) -> BusyTimes:
    kinds = (
        (world.events[::2], BusyType.BUSY, BusySource.CALENDAR),
        (world.events[1::2], BusyType.TENTATIVE, BusySource.CALENDAR),
        (world.hard_blocks, BusyType.UNAVAILABLE, BusySource.BLOCK),
        (world.soft_blocks, BusyType.TENTATIVE, BusySource.BLOCK),
    )
    return BusyTimes.of(
        Busy(Interval(instant(start), instant(end)), kind, source)
        for spans, kind, source in kinds
        for start, end in spans
    )


def _label(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


_QUARTERS = st.integers(0, 95).map(lambda quarter: quarter * 15)
_MINUTES = st.one_of(_QUARTERS, _QUARTERS, st.integers(0, 1439))
_ENDS = st.one_of(_MINUTES.map(_label), st.sampled_from(["24:00", "23:59", "00:00"]))
_SPANS = st.builds(
    lambda start, end: {"start": _label(start), "end": end}, _MINUTES, _ENDS
).filter(lambda span: span["start"] != span["end"])
_TOUCHING = st.just(
    [
        {"start": "13:00", "end": "17:00"},
        {"start": "09:00", "end": "13:00"},
        {"start": "16:00", "end": "02:30"},
    ]
)
_DAYS: st.SearchStrategy[Written] = st.one_of(
    st.lists(_SPANS, max_size=3), st.lists(_SPANS, min_size=1, max_size=1), _TOUCHING
)
_ROUND_THE_CLOCK = st.just(
    {day: [{"start": "00:00", "end": "24:00"}] for day in WEEKDAYS}
)
WEEKS = st.one_of(
    st.fixed_dictionaries(dict.fromkeys(WEEKDAYS, _DAYS)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(WEEKDAYS, _DAYS)),
    _DAYS.map(lambda day: dict.fromkeys(WEEKDAYS, day)),
    _ROUND_THE_CLOCK,
)
_BUFFERS = st.sampled_from([0, 0, 5, 15, 40])
ASKED = st.builds(
    Asked,
    before=_BUFFERS,
    after=_BUFFERS,
    notice_hours=st.sampled_from([0, 0, 1, 2, 26]),
    window_days=st.sampled_from([90, 90, 90, 2, 1, 0]),
    interval=st.sampled_from([None, 5, 15, 25, 30, 45, 50, 60, 35]),
    alignment=st.sampled_from(["window", "compact", "clock"]),
    enforce_grid=st.booleans(),
    daily_limit=st.sampled_from([None, None, None, None, 1, 2]),
)
_LENGTHS = st.sampled_from([30, 15, 1, 20, 45, 50, 60, 90, 240, 480, 1440])
_TAKEN = st.sampled_from([15, 1, 20, 30, 45, 60, 90, 240, 1440])
_OFFSETS = st.one_of(
    st.integers(-8 * 24, 8 * 24).map(lambda quarter: quarter * 15),
    st.integers(-2 * 1440, 2 * 1440),
)


def _near(noon: Moment) -> st.SearchStrategy[Span]:
    lengths = st.sampled_from([1, 15, 30, 60, 100, 480])
    return st.builds(
        lambda offset, length: (
            noon + offset * MINUTE,
            noon + (offset + length) * MINUTE,
        ),
        _OFFSETS,
        lengths,
    )


def _nearly(noon: Moment) -> st.SearchStrategy[Span]:
    """Draw what a calendar may hold: its edges need not be whole minutes."""
    hair = st.sampled_from([0, 0, 0, 1, 1_500_000, 59_999_999])
    return st.builds(
        lambda span, early, late: (span[0] - early, span[1] + late),
        _near(noon),
        hair,
        hair,
    )


@st.composite
def _claims(draw: st.DrawFn, noon: Moment) -> tuple[Span, ...]:
    """Draw claims as the database keeps them: in order, touching at most."""
    cursor = noon + draw(st.integers(-8 * 24, 0)) * 15 * MINUTE
    pauses = st.sampled_from([0, 5, 15, 30, 60, 75, 300])
    steps = draw(st.lists(st.tuples(pauses, _TAKEN), max_size=8))
    spans = []
    for pause, length in steps:
        start = cursor + pause * MINUTE
        cursor = start + length * MINUTE
        spans.append((start, cursor))
    return tuple(spans)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a world around a place's interesting day, and a question to ask there."""
    name, transition = draw(st.sampled_from(PLACES))
    zone = ZoneInfo(name)
    middle = transition + timedelta(days=draw(st.integers(-1, 1)))
    noon = on_the_wall(middle, 720, zone)
    days = st.integers(-2, 2).map(lambda n: middle + timedelta(days=n))
    spans = st.lists(_near(noon), max_size=3).map(tuple)
    asked = draw(ASKED)
    world = World(
        zone=zone,
        weekly=draw(WEEKS),
        overrides=draw(st.dictionaries(days, _DAYS, max_size=2)),
        asked=asked,
        claims=draw(_claims(noon)),
        hard_blocks=draw(spans),
        soft_blocks=draw(spans),
        events=draw(st.lists(_nearly(noon), max_size=3).map(tuple)),
    )
    return Case(world, middle, draw(_LENGTHS), draw(_moments(noon, asked)))


def _moments(noon: Moment, asked: Asked) -> st.SearchStrategy[Moment]:
    """Draw moments that often make a round start the notice's very boundary."""
    quarters = st.integers(-16 * 24, 4 * 24).map(lambda quarter: quarter * 15 * MINUTE)
    hairs = st.sampled_from([-1, 0, 0, 1, 30_000_000])
    boundary = noon - asked.notice_hours * HOUR
    return st.builds(lambda quarter, hair: boundary + quarter + hair, quarters, hairs)
