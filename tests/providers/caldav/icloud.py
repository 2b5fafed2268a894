"""What is special about iCloud, before a real server: its hosts, and what it refuses.

Of Apple's own servers only this much is known to us from others' accounts.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from typing_extensions import override

from tests.providers.caldav.proxy import Answer, Heard, Proxy
from universal_calendar.outgoing.http import (
    OutgoingRequest,
    OutgoingResponse,
    Sender,
)

FRONT, PARTITION = "caldav.icloud.com", "p42-caldav.icloud.com"
PRINCIPAL = "/270815/principal/"
_HOST = "x-icloud-host"
_RESPONSE = (
    '<multistatus xmlns="DAV:"><response><href>{href}</href><propstat><prop>'
    "{properties}</prop><status>HTTP/1.1 200 OK</status></propstat></response>"
    "</multistatus>"
)


@dataclass
class Icloud:
    """Answers in iCloud's place where it differs; `home` is on the real server."""

    home: str
    address: str
    home_host: str = f"https://{PARTITION}:443"
    refused: list[str] = field(default_factory=list)
    """What must not be asked, and was."""

    def answer(self, heard: Heard) -> Answer | None:
        if heard.headers.get(_HOST) == FRONT:
            return self._front(heard)
        if heard.headers.get("if-match") == "*":
            return self._refuse("If-Match: *", 412)
        if b"free-busy-query" in heard.content:
            return self._refuse("free-busy-query", 400)
        if b"nresults" in heard.content:
            return self._refuse("limit", 507)
        is_query = b"calendar-query" in heard.content
        if is_query and b'comp-filter name="VEVENT"' not in heard.content:
            return self._refuse("calendar-query without VEVENT", 400)
        return None

    def _refuse(self, what: str, status: int) -> Answer:
        self.refused.append(what)
        return Answer(status, [], b"")

    def _front(self, heard: Heard) -> Answer:
        """Name the principal at once, and the home on another host."""
        if heard.method != "PROPFIND":
            return Answer(404, [], b"")
        if heard.path != PRINCIPAL:
            return _told(
                heard.path,
                f"<current-user-principal><href>{PRINCIPAL}</href>"
                "</current-user-principal>",
            )
        caldav = 'xmlns="urn:ietf:params:xml:ns:caldav"'
        return _told(
            heard.path,
            f'<calendar-home-set {caldav}><href xmlns="DAV:">'
            f"{self.home_host}{self.home}</href></calendar-home-set>"
            f'<calendar-user-address-set {caldav}><href xmlns="DAV:">'
            f"mailto:{self.address}</href></calendar-user-address-set>",
        )

    def translate(self, answer: Answer) -> Answer:
        """List the collection itself among what changed."""
        ending = re.search(
            rb"<(\w+:)?sync-token>[^<]+</(\w+:)?sync-token>", answer.content
        )
        names = re.search(rb"<(\w*:?)href>([^<]+/)[^/<]+\.ics<", answer.content)
        if ending is None or names is None or b"calendar-data" in answer.content:
            return answer
        prefix = names[1]
        own = (
            b"<%(p)sresponse><%(p)shref>%(href)s</%(p)shref><%(p)spropstat><%(p)sprop>"
            b"<%(p)sgetetag>&quot;self&quot;</%(p)sgetetag></%(p)sprop><%(p)sstatus>"
            b"HTTP/1.1 200 OK</%(p)sstatus></%(p)spropstat></%(p)sresponse>"
        ) % {b"p": prefix, b"href": names[2]}
        end = answer.content.rindex(b"</")
        content = answer.content[:end] + own + answer.content[end:]
        return Answer(answer.status, answer.headers, content)


def _told(href: str, properties: str) -> Answer:
    content = _RESPONSE.format(href=href, properties=properties).encode()
    return Answer(207, [("Content-Type", "application/xml")], content)


class IcloudSender(Sender):
    """Takes a proxy for all of icloud.com; reaches nothing else."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(is_guarded=False)
        self._proxy = proxy
        self.hosts: set[str] = set()

    @override
    async def send(
        self, request: OutgoingRequest, *, seconds: float
    ) -> OutgoingResponse:
        parts = urlsplit(request.url)
        self.hosts.add(request.host)
        assert (parts.scheme, parts.port) in {("https", None), ("https", 443)}
        assert request.host in {FRONT, PARTITION}, request.host
        sent = OutgoingRequest(
            request.method,
            self._proxy.url.rstrip("/") + parts.path,
            {**request.headers, _HOST: request.host},
            request.content,
        )
        return await super().send(sent, seconds=seconds)
