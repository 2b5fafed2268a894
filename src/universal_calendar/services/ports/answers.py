"""What a caller was told, kept for their retries."""

from dataclasses import dataclass, field

from universal_calendar.core.instant import Instant


@dataclass(frozen=True, slots=True)
class Replay:
    """How a request that was answered before is recognised.

    `request` is its canonical form: two requests are the same if it is.
    """

    route: str
    idempotency_key: str | None
    reference: str | None
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: an HTTP status and a body that is ready to send."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer under an idempotency key, and whether to this very request.

    Until `provisional_until` the first request may still write the final answer; past
    it, whoever comes first does. None: the answer is final.
    """

    answer: Answer
    is_same_request: bool
    provisional_until: Instant | None = None
