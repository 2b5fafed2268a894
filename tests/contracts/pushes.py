"""Being told of changes: of PushProvider."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid5

import pytest

from tests.contracts.drafts import NINE, SECONDS, TENANT, at
from tests.contracts.world import Examined
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import HOUR, from_datetime
from universal_calendar.core.provider_errors import (
    ProviderDown,
)
from universal_calendar.services.ports.calendars import (
    PushAddress,
    PushChannel,
    PushDelivery,
    PushProvider,
)

SESAME = "sesame"


class Receiver:
    """Takes pushes on a loopback port; refuses the first `refusals` of them.

    `challenge` is the provider's, where it asks whether we are there before it pushes.
    """

    def __init__(self) -> None:
        self.url, self.refusals = "", 0
        self.challenge: Callable[[PushDelivery], str | None] = lambda _delivery: None
        self._deliveries: asyncio.Queue[PushDelivery] = asyncio.Queue()

    async def next(self) -> PushDelivery:
        """Return the next delivery, within ten seconds."""
        async with asyncio.timeout(10):
            return await self._deliveries.get()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        query = dict(parse_qsl(urlsplit(head.split(" ")[1]).query))
        delivery = PushDelivery(headers, content, query)
        challenged = self.challenge(delivery)
        if challenged is None:
            self._deliveries.put_nowait(delivery)
        status = b"503 Busy" if self.refusals and challenged is None else b"200 OK"
        self.refusals = max(0, self.refusals - (challenged is None))
        answer = (challenged or "").encode()
        writer.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\n"
            b"content-length: %d\r\n\r\n%b" % (status, len(answer), answer)
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/push"
    try:
        yield receiver
    finally:
        server.close()


class PushExam:
    """Of PushProvider. The fixture `receiver` gives where pushes can be sent."""

    greetings = 0
    """Deliveries that only say that a channel was opened."""

    @staticmethod
    def pushes(examined: Examined) -> PushProvider:
        assert examined.provider.pushes is not None
        return examined.provider.pushes

    async def open(
        self, examined: Examined, receiver: Receiver, secret: str = SESAME
    ) -> PushChannel:
        channel_id = str(uuid5(TENANT, examined.calendar))  # as the service names them
        address = PushAddress(channel_id, receiver.url, secret)
        channel = await self.pushes(examined).open_channel(
            examined.access, examined.calendar, address, seconds=SECONDS
        )
        for _ in range(self.greetings):
            await receiver.next()
        return channel

    async def test_change_is_told(self, examined: Examined, receiver: Receiver) -> None:
        channel = await self.open(examined, receiver)
        assert channel.expires_at > from_datetime(utc_now()) + HOUR
        examined.world.owner_adds(examined.calendar, at(NINE))
        delivery = await receiver.next()
        (notification,) = self.pushes(examined).notifications(delivery)
        assert notification.channel_id == channel.channel_id
        assert self.is_genuine(examined, delivery, SESAME)

    def is_genuine(
        self, examined: Examined, delivery: PushDelivery, secret: str
    ) -> bool:
        pushes = self.pushes(examined)
        try:
            (notification,) = pushes.notifications(delivery)
        except InvalidField:
            return False  # where headers are all there is, nothing is left without
        return pushes.is_genuine(delivery, notification, secret)

    async def test_forged_notification(
        self, examined: Examined, receiver: Receiver
    ) -> None:
        await self.open(examined, receiver)
        examined.world.owner_adds(examined.calendar, at(NINE))
        delivery = await receiver.next()
        assert not self.is_genuine(examined, delivery, "another secret")
        assert not self.is_genuine(examined, self.without_proof(delivery), SESAME)

    @staticmethod
    def without_proof(delivery: PushDelivery) -> PushDelivery:
        """Return it without what proves it: a header, unless it is in the content."""
        return replace(delivery, headers={})

    @pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"7", b"\xff", b'{"a":1}'])
    async def test_what_is_no_notification(
        self, examined: Examined, content: bytes
    ) -> None:
        with pytest.raises(InvalidField):
            self.pushes(examined).notifications(PushDelivery({}, content))

    async def test_closed_channel_is_silent(
        self, examined: Examined, receiver: Receiver
    ) -> None:
        channel = await self.open(examined, receiver)
        for _ in range(2):
            await self.pushes(examined).close_channel(
                examined.access, channel, seconds=SECONDS
            )
        examined.world.owner_adds(examined.calendar, at(NINE))
        again = await self.open(examined, receiver, "another")
        assert again.channel_id == channel.channel_id
        examined.world.owner_adds(examined.calendar, at(NINE))
        assert self.is_genuine(examined, await receiver.next(), "another")

    async def test_opening_again_after_a_lost_answer(
        self, examined: Examined, receiver: Receiver
    ) -> None:
        examined.world.loses_answers(1)
        with pytest.raises(ProviderDown):
            await self.open(examined, receiver)
        await self.open(examined, receiver)
        examined.world.owner_adds(examined.calendar, at(NINE))
        assert self.is_genuine(examined, await receiver.next(), SESAME)
