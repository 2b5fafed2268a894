"""Published keys: fetched when they must be, and not more often."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.harness.outside.key_server import KeyServer, key_server, published
from tests.web.api import wait_for
from universal_calendar.core.instant import MINUTE
from universal_calendar.outgoing.http import Sender
from universal_calendar.web.errors import AuthenticationUnavailable
from universal_calendar.web.tenant_api.tokens import (
    FRESH,
    LASTING,
    PAUSE,
    PublishedKeys,
)

START = 100_000 * MINUTE
KEY = ec.generate_private_key(ec.SECP256R1())
FIRST, SECOND = published(KEY, "first"), published(KEY, "second")


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as server:
        server.publish(FIRST)
        yield server


@pytest.fixture
async def keys(server: KeyServer) -> AsyncIterator[PublishedKeys]:
    sender = Sender(is_guarded=False)
    yield PublishedKeys(server.url, sender)
    await sender.close()


async def knows(keys: PublishedKeys, key_id: str | None, now: int) -> bool:
    return await keys.find(key_id, now) is not None


async def test_they_are_fetched_once(keys: PublishedKeys, server: KeyServer) -> None:
    assert server.asked == 0
    for minute in range(10):
        assert await knows(keys, "first", START + minute * MINUTE)
    assert server.asked == 1


async def test_many_at_once_fetch_once(keys: PublishedKeys, server: KeyServer) -> None:
    found = await asyncio.gather(*(knows(keys, "first", START) for _ in range(50)))
    assert all(found)
    assert server.asked == 1


async def test_a_new_key_is_found_at_once(
    keys: PublishedKeys, server: KeyServer
) -> None:
    await keys.find("first", START)
    server.publish(FIRST, SECOND)
    assert await knows(keys, "second", START + PAUSE)
    assert server.asked == 2


async def test_unknown_keys_are_looked_for_every_30_seconds(
    keys: PublishedKeys, server: KeyServer
) -> None:
    await keys.find("first", START)
    for microseconds in (0, 1, PAUSE - 1):
        assert not await knows(keys, "second", START + microseconds)
    assert server.asked == 1
    assert not await knows(keys, "second", START + PAUSE)
    assert server.asked == 2
    assert await knows(keys, "first", START + PAUSE)


async def test_a_key_that_is_taken_back_ends(
    keys: PublishedKeys, server: KeyServer
) -> None:
    await keys.find("first", START)
    server.publish(SECOND)
    assert await knows(keys, "first", START + FRESH)
    assert not await knows(keys, "first", START + FRESH + 1)


async def test_known_keys_last_a_day_without_the_publisher(
    keys: PublishedKeys, server: KeyServer
) -> None:
    await keys.find("first", START)
    for content in (b"{}", b"nonsense", b"[]", b'{"keys": [{"kty": 1}, 7]}', b""):
        server.fail(200, content)
        assert await knows(keys, "first", START + LASTING)
    server.fail()
    with pytest.raises(AuthenticationUnavailable):
        await keys.find("first", START + LASTING + PAUSE)
    server.publish(FIRST)
    assert await knows(keys, "first", START + LASTING + 2 * PAUSE)


async def test_nobody_can_tell_before_the_first_answer(
    keys: PublishedKeys, server: KeyServer
) -> None:
    server.fail()
    for microseconds in (0, PAUSE - 1, PAUSE):
        with pytest.raises(AuthenticationUnavailable):
            await keys.find("first", START + microseconds)
    assert server.asked == 2
    server.publish(FIRST)
    assert await knows(keys, "first", START + 2 * PAUSE)


async def test_who_is_known_does_not_wait_for_a_silent_publisher(
    keys: PublishedKeys, server: KeyServer
) -> None:
    await keys.find("first", START)
    server.is_hanging = True
    waiting = asyncio.create_task(keys.find("second", START + PAUSE))
    await asyncio.to_thread(wait_for, "the question", lambda: server.asked == 2)
    async with asyncio.timeout(1):
        assert await knows(keys, "first", START + FRESH + 1)
    assert not waiting.done()
    assert await waiting is None


async def test_an_only_key_needs_no_name(
    keys: PublishedKeys, server: KeyServer
) -> None:
    server.publish(published(KEY, None))
    assert await knows(keys, None, START)
    server.publish(FIRST, SECOND)
    assert await knows(keys, "first", START + PAUSE)
    assert not await knows(keys, None, START + PAUSE)
