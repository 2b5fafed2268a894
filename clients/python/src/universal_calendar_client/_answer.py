"""What the service answered, free of any HTTP library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one HTTP answer; header names are lower case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self) -> object:
        """Decode the body; raise ValueError when it is not JSON."""
        try:
            return json.loads(self.content)
        except RecursionError as error:
            raise ValueError("The body is nested too deeply") from error

    def member(self, name: str) -> object:
        """Return a member of the JSON object in the body, None when there is none."""
        try:
            body = self.json()
        except ValueError:
            return None
        return body.get(name) if isinstance(body, dict) else None

    @property
    def request_id(self) -> str | None:
        """Return the id under which the service logged the request."""
        return self.headers.get("x-request-id")

    @property
    def retry_after(self) -> float | None:
        """Return the seconds that Retry-After asks for, None when it says nothing.

        A date is compared with the answer's own Date: no clock of ours is asked.
        """
        asked = self.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit():
            return float(asked)
        return _seconds_between(self.headers.get("date", ""), asked)


def _seconds_between(earlier: str, later: str) -> float | None:
    try:
        difference = parsedate_to_datetime(later) - parsedate_to_datetime(earlier)
    except (ValueError, TypeError):  # unreadable, or one with a zone and one without
        return None
    return max(0.0, difference.total_seconds())
