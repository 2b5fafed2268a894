"""A proxy before Graph that holds Microsoft's description against both directions."""

import http.client
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.providers.microsoft.contract import Contract, Violation
from tests.providers.microsoft.loopback import Answer, Ask, BreakOff, Loopback

_ROOT = "/v1.0"


class ValidatingProxy:
    """Passes everything on; `violations` are what was not as it is described."""

    def __init__(self, target: str, contract: Contract) -> None:
        self.violations: list[str] = []
        self._target = urlsplit(target).netloc
        self._contract = contract
        self.checked = 0
        self.http = Loopback(self._answer)

    @property
    def url(self) -> str:
        return self.http.url

    def close(self) -> None:
        self.http.die()

    def _answer(self, ask: Ask) -> Answer:
        target = ask.target.removeprefix(_ROOT)
        with self._noted():
            self._contract.check_request(
                ask.method, target, dict(ask.headers), ask.content
            )
        answer = self._passed_on(ask)
        with self._noted():
            self._contract.check_answer(
                ask.method, target, answer.status, answer.content
            )
        self.checked += 1
        return answer

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Violation as violation:
            self.violations.append(str(violation))

    def _passed_on(self, ask: Ask) -> Answer:
        connection = http.client.HTTPConnection(self._target)
        try:
            return _exchanged(connection, ask)
        except (OSError, http.client.HTTPException):
            raise BreakOff from None
        finally:
            with suppress(OSError):
                connection.close()


def _exchanged(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    connection.putrequest(
        ask.method, ask.target, skip_host=True, skip_accept_encoding=True
    )
    for name, value in ask.headers.items():
        connection.putheader(name, value)
    connection.endheaders(ask.content or None)
    # Whoever hangs up while Graph is silent hangs up on Graph.
    ready, _, _ = select.select([connection.sock, ask.connection], [], [])
    if connection.sock not in ready:
        raise BreakOff
    answer = connection.getresponse()
    kept = ("content-type", "retry-after", "location")
    headers = {n.lower(): v for n, v in answer.getheaders() if n.lower() in kept}
    return Answer(answer.status, headers, answer.read())
