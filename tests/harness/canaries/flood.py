"""Canaries sent through every operation: well, wrongly, and by the wrong people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

import httpx2
import orjson

from tests.harness.canaries.every_request import Endpoint, Json, Wish, Writer
from tests.harness.canaries.strings import Canaries
from tests.harness.island import wait_for
from tests.harness.tokens import claims, signed
from universal_calendar.clock import utc_now
from universal_calendar.web.bodies import LARGEST_BODY

LONG: Final = timedelta(days=90)
NOBODYS_ID: Final = "00000000-0000-7000-8000-00000000dead"
ALWAYS_OPEN: Final = {
    "working_hours": {
        day: [{"start": "00:00", "end": "24:00"}]
        for day in (
            *("monday", "tuesday", "wednesday", "thursday"),
            *("friday", "saturday", "sunday"),
        )
    },
    "min_advance_booking_hours": 0,
    "max_advance_booking_days": 3650,
}
MAKERS: Final = {
    "appointmentId": "POST /appointments",
    "blockId": "POST /availability/block",
    "deliveryId": "POST /webhook-endpoints/{endpointId}/test",
    "endpointId": "POST /webhook-endpoints",
    "holdId": "POST /holds",
    "jobId": "POST /integrations/{provider}/jobs",
    "keyId": "POST /api-keys",
    "syncId": "POST /sync/trigger",
}
"""What makes the thing that an id in a path is of."""
_ERASING: Final = "DELETE /tenants/{tenantId}"
_CONNECT: Final = "POST /calendar/connect"
_FINISH: Final = "POST /calendar/oauth/callback"
_STATUS: Final = "GET /calendar/status/{tenantId}"
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back; X-Request-ID, which is the caller's to choose, left out."""

    endpoint: str
    status: int
    content: bytes


@dataclass(frozen=True)
class House:
    """One service with a business in it, and what opens both.

    `other_url` is of another process of it.
    """

    url: str
    other_url: str
    tenant_id: str
    agent_id: str
    api_key: str
    service_key: str
    jwt_secret: str
    hooks_url: str


@dataclass
class Flood:
    """Sends; keeps every answer.

    `credentials` open an account that is connected, `provider` is whose. `fields` are
    what requests must say of things there.
    """

    house: House
    canaries: Canaries
    endpoints: Mapping[str, Endpoint]
    http: httpx2.Client
    answers: list[Answer]
    provider: str = "fake"
    credentials: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    _times: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def beside(self) -> "Flood":
        """Return the same, sent to the other process."""
        return replace(self, house=replace(self.house, url=self.house.other_url))

    @property
    def writer(self) -> Writer:
        """Return what fills fields, at a time that is free still."""
        house, start = self.house, self._next_start()
        end = start + timedelta(minutes=30)
        hook = self.canaries.text("/webhook-endpoints url")
        fixed = {
            "agentId": house.agent_id,
            "agentIds": house.agent_id,
            "agent_id": house.agent_id,
            "booking_date": f"{start:%Y-%m-%d}",
            "booking_time": f"{start:%H:%M}",
            "cancelFuture": True,
            "duration_minutes": 30,
            "duration": 30,
            "endTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "endDate": f"{start:%Y-%m-%d}",
            "end_date": f"{start:%Y-%m-%d}",
            "events": "appointment.created",
            "expiresAt": "2999-01-01T00:00:00Z",
            "hours": ALWAYS_OPEN,
            "isActive": True,
            "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "startDate": f"{start:%Y-%m-%d}",
            "start_date": f"{start:%Y-%m-%d}",
            "tenantId": house.tenant_id,
            "timezone": "UTC",
            "url": f"{house.hooks_url}/{hook}",
        }
        return Writer(self.canaries, {**fixed, **self.fields})

    def _next_start(self) -> Any:
        midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=2, minutes=30 * next(self._times))

    def send(
        self, wish: Wish, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send a wish with the credential that opens it, or with these headers."""
        opened = self._credential(wish.endpoint) if headers is None else headers
        content = None if wish.body is None else orjson.dumps(wish.body)
        return self.raw(
            wish.endpoint.name,
            wish.endpoint.method,
            wish.path,
            params=wish.query,
            content=content,
            headers={**_JSON, **wish.headers, **opened},
        )

    def raw(self, name: str, method: str, path: str, **parts: Any) -> httpx2.Response:
        """Send anything, and keep the answer under the name of an operation."""
        name = name.replace("{provider}", self.provider)
        answer = self.http.request(method, self.house.url + path, **parts)
        headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        content = answer.content + repr(headers).encode()
        self.answers.append(Answer(name, answer.status_code, content))
        return answer

    def _credential(self, endpoint: Endpoint) -> dict[str, str]:
        if endpoint.is_agent_api:
            return {"X-API-Key": self.house.api_key}
        return {"X-Service-Key": self.house.service_key}

    def wish(self, name: str, **fixed: object) -> Wish:
        """Return a request that is to succeed, on things of its own."""
        endpoint = self.endpoints[name]
        ids = self._known_ids()
        if name == _ERASING:
            tenant = self.made("POST /tenants", {})["tenant"]
            ids["tenantId"], fixed = tenant["id"], {"confirm": tenant["name"]}
            fixed["tenantId"] = tenant["id"]
        if self._is_of_calendars(endpoint):
            fixed = self._calendar_fields(name, ids) | fixed
        for each in endpoint.ids:
            if each not in ids:
                status = "pending" if name.endswith("/confirm") else "confirmed"
                made = self.made(MAKERS[each], ids, status=status)
                ids[each] = _id_of(each, self.finished(made))
        return self.writer.wish(endpoint, ids, **fixed)

    def _known_ids(self) -> dict[str, str]:
        ids = {"tenantId": self.house.tenant_id, "provider": self.provider}
        ids |= dict.fromkeys(("agentId", "agent_id"), self.house.agent_id)
        ids["technicianId"] = str(self.fields.get("technicianId"))
        return ids

    def _is_of_calendars(self, endpoint: Endpoint) -> bool:
        of_calendars = endpoint.path.startswith(("/calendar/", "/sync/"))
        return of_calendars and self.provider == "fake"

    def _calendar_fields(self, name: str, ids: dict[str, str]) -> Json:
        """Return what requests about calendars must say; connect what they are of."""
        fields: Json = {"provider": "fake", "credentials": {}}
        if name == _CONNECT:
            return fields
        state = self.made(_CONNECT, ids, **fields)["state"]
        fields |= {"state": state, "credentials": dict(self.credentials)}
        if name == _FINISH:
            return fields
        ids["connectionId"] = self.made(_FINISH, ids, **fields)["connectionId"]
        ids["calendarId"] = self.made(_STATUS, ids)["calendars"][0]["calendarId"]
        return {"calendarId": ids["calendarId"], "syncEnabled": True}

    def finished(self, made: Json) -> Json:
        """Wait for a job's id: its platform may have been asked too much already."""
        if made.get("jobId", "") is None:
            ours = made["appointmentId"]
            wait_for("a job is there", lambda: ours in self.jobs())
            made["jobId"] = self.jobs()[ours]
        return made

    def jobs(self) -> Mapping[str | None, str]:
        """Return the ids of the platform's jobs, by appointment."""
        wish = self.wish("GET /integrations/{provider}/jobs")
        days = {"startDate": "2000-01-01", "endDate": f"{utc_now() + LONG:%Y-%m-%d}"}
        page = self.send(replace(wish, query=wish.query | days | {"limit": 100}))
        jobs = page.json()["data"]["jobs"]
        return {each["appointmentId"]: each["id"] for each in jobs}

    def made(self, maker: str, ids: Mapping[str, str], **fixed: object) -> Json:
        """Make a thing; look for its secrets from now on."""
        wish = self.writer.wish(self.endpoints[maker], ids, **fixed)
        answer = self.send(wish)
        assert answer.status_code == 200, f"{maker}: {answer.text}"
        data: Json = answer.json()["data"]
        for name in {"key", "secret"} & data.keys():
            self.canaries.secret(data[name], f"{maker} answer {name}")
        return data

    def try_everything(self, endpoint: Endpoint) -> None:
        """Send one operation's good request, and everything like it that is not."""
        self.beside._try_wrong(self.try_good(endpoint))

    def good_ones(self, names: Iterable[str]) -> "list[Sent]":
        """Return a good request for each operation, and who sends it."""
        return [(self, self.beside.wish(name)) for name in names]

    def try_good(self, endpoint: Endpoint) -> Wish:
        """Send one operation's good request, and what is like it but of nothing."""
        beside = self.beside
        wish = beside.wish(endpoint.name)
        self.send(wish)
        if endpoint.method == "POST":
            self.send(wish)
            beside.send(replace(beside.wish(endpoint.name), headers=wish.headers))
        for lost in beside._lost(wish):
            beside.send(lost)
        return wish

    def _try_wrong(self, wish: Wish) -> None:
        for spoilt in self.writer.spoilt(wish):
            self.send(spoilt)
        self._malformed(wish)
        for headers in self._strangers(wish.endpoint):
            self.send(wish, headers)

    def _lost(self, wish: Wish) -> Iterator[Wish]:
        endpoint, name = wish.endpoint, wish.endpoint.name
        for each in endpoint.ids:
            for wrong in (self.canaries.text(f"{name} path {each}"), NOBODYS_ID):
                path = endpoint.path.replace(f"{{{each}}}", wrong)
                for other in endpoint.ids:
                    path = path.replace(f"{{{other}}}", NOBODYS_ID)
                yield replace(wish, path=path)
        word = self.canaries.text(f"{name} unknown path")
        yield replace(wish, path=f"{wish.path}/{word}")
        yield replace(wish, path=f"{wish.path}{word}")

    def _malformed(self, wish: Wish) -> None:
        endpoint, name = wish.endpoint, wish.endpoint.name
        word = self.canaries.text(f"{name} malformed").encode()
        text = b'{"name": "' + word + b'"}'
        opened = self._credential(endpoint)
        for content, media_type in (
            (b'{"name": "' + word, "application/json"),
            (b'{"name": "' + word + b'\\ud800"}', "application/json"),
            (b'{"name": "' + word + b'\xff"}', "application/json"),
            (b'["' + word + b'"]', "application/json"),
            (b'"' + word + b'"', "application/json"),
            (b'{"' + word + b'": NaN}', "application/json"),
            (b'{"a":' * 2000 + text + b"}" * 2000, "application/json"),
            (text + b" " * LARGEST_BODY, "application/json"),
            (text, f"text/{word.decode()}"),
        ):
            headers = {**opened, "Content-Type": media_type}
            path = wish.path
            self.raw(name, endpoint.method, path, content=content, headers=headers)
        for headers in self._odd_headers(name):
            self.send(replace(wish, headers=headers))
        query = f"{wish.path}?{word.decode()}={word.decode()}"
        self.raw(name, "PATCH", query, content=text, headers={**opened, **_JSON})

    def _odd_headers(self, name: str) -> Iterator[dict[str, str]]:
        def word(header: str) -> str:
            return self.canaries.text(f"{name} odd {header}")

        yield {"Idempotency-Key": f"{word('Idempotency-Key')} blank"}
        yield {"Idempotency-Key": word("Idempotency-Key") + "x" * 300}
        yield {"X-Request-ID": f"{word('X-Request-ID')} blank"}
        yield {"X-Request-ID": word("X-Request-ID") + "x" * 100}
        yield {
            "Origin": f"https://{word('Origin')}.test",
            "X-Forwarded-For": word("X-Forwarded-For"),
            "Accept": f"text/{word('Accept')}",
            "traceparent": word("traceparent"),
            "baggage": f"name={word('baggage')}",
        }

    def _strangers(self, endpoint: Endpoint) -> Iterator[dict[str, str]]:
        name, house, secret = endpoint.name, self.house, self.house.jwt_secret
        word = self.canaries.text(f"{name} wrong credential")
        yield {}
        for header in ("X-Service-Key", "X-API-Key", "Authorization"):
            yield {header: word}
        for scheme in ("Bearer", "Basic", "Digest"):
            yield {"Authorization": f"{scheme} {word}"}
        yield {"Authorization": f"Bearer {word}.{word}.{word}"}
        yield self.bearer(house.tenant_id, name, word * 4)
        yield self.bearer(house.tenant_id, name, secret, exp=1)
        yield self.bearer(house.tenant_id, name, secret, role=word)
        yield self.bearer(NOBODYS_ID, name, secret)
        yield self.bearer(house.tenant_id, name, secret, role="viewer")

    def bearer(
        self, tenant_id: str, name: str, secret: str, **other: object
    ) -> dict[str, str]:
        people = {
            "sub": self.canaries.text(f"{name} token sub"),
            "name": self.canaries.text(f"{name} token name"),
            "email": self.canaries.email(f"{name} token email"),
        }
        token = signed(claims(tenant_id, **people, **other), secret)
        return {"Authorization": f"Bearer {token}"}


Sent = tuple[Flood, Wish]
"""A request, and who sends it."""


def _id_of(name: str, data: Json) -> str:
    """Return the id of what was made, wherever the answer has it."""
    if name in data:
        return str(data[name])
    (thing,) = [each for each in data.values() if isinstance(each, dict)]
    return str(thing["id"])
