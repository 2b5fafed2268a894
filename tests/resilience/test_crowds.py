"""Many clients want the same time at the same moment: one gets it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from tests.harness.crowd import (
    LONGEST_ANSWER,
    OPENING,
    Reply,
    Wish,
    ask_at_once,
    clients,
    day_after,
    statuses,
)
from tests.harness.island import Island, island
from tests.harness.machines.ledger import Ledger
from tests.harness.running import running_service
from tests.harness.scenes.business import Business

CROWD = 64
ROUNDS = 20


@pytest.fixture(scope="module")
def crowded() -> Iterator[Island]:
    with island() as place:
        yield place


@pytest.fixture(scope="module")
def businesses(crowded: Island) -> list[Business]:
    return crowded.settle(agents=4)


@pytest.fixture(scope="module")
def both(crowded: Island, businesses: list[Business]) -> Iterator[list[str]]:
    """Run two services on one home; return their URLs."""
    with running_service(crowded.home) as one, running_service(crowded.home) as other:
        yield [one.url, other.url]


@pytest.fixture
def quiet(crowded: Island, both: list[str]) -> Iterator[None]:
    """Assert that the database server had nothing to complain of."""
    before = len(crowded.logged())
    yield
    assert crowded.logged()[before:] == ""


async def one_slot(
    urls: Sequence[str], business: Business, rounds: int, *, keyed: bool = False
) -> list[list[Reply]]:
    async with clients(CROWD) as client:
        found = []
        for number in range(rounds):
            wishes = [
                Wish(
                    business,
                    day_after(2 + number),
                    OPENING,
                    name=f"Client {who}",
                    idempotency_key=f"{number}/{who}" if keyed else None,
                )
                for who in range(CROWD)
            ]
            found.append(await ask_at_once(client, urls, wishes))
        return found


@pytest.mark.usefixtures("quiet")
async def test_one_slot_has_one_winner(
    both: list[str], businesses: list[Business], crowded: Island
) -> None:
    for replies in await one_slot(both[:1], businesses[0], ROUNDS):
        assert statuses(replies) == {201: 1, 409: CROWD - 1}
        lost = [reply.body["code"] for reply in replies if reply.status == 409]
        assert set(lost) == {"slot_taken"}
        assert max(reply.seconds for reply in replies) < LONGEST_ANSWER
    Ledger.of(crowded.server).check()


@pytest.mark.usefixtures("quiet")
async def test_one_slot_has_one_winner_across_two_services(
    both: list[str], businesses: list[Business], crowded: Island
) -> None:
    for replies in await one_slot(both, businesses[1], ROUNDS, keyed=True):
        assert statuses(replies) == {201: 1, 409: CROWD - 1}
    Ledger.of(crowded.server).check()


@pytest.mark.usefixtures("quiet")
async def test_twins_of_one_request_get_one_answer_across_two_services(
    both: list[str], businesses: list[Business], crowded: Island
) -> None:
    for number in range(5):
        wish = Wish(
            businesses[1], day_after(40 + number), OPENING, idempotency_key=f"{number}"
        )
        async with clients(CROWD) as client:
            replies = await ask_at_once(client, both, [wish] * CROWD)
        assert statuses(replies) == {201: CROWD}
        assert len({reply.booking_id for reply in replies}) == 1
    Ledger.of(crowded.server).check()


def overlapping(business: Business, days: int) -> list[Wish]:
    """Return 30 minutes from every fifth minute on, 64 on each of so many days."""
    return [
        Wish(business, day_after(2 + day), OPENING + 5 * step)
        for day in range(days)
        for step in range(CROWD)
    ]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("services", [1, 2])
async def test_overlapping_starts_never_overlap(
    both: list[str], businesses: list[Business], crowded: Island, services: int
) -> None:
    business = businesses[1 + services]
    async with clients(CROWD) as client:
        for day in range(5):
            wishes = overlapping(business, 5)[day * CROWD : (day + 1) * CROWD]
            replies = await ask_at_once(client, both[:services], wishes)
            won = sorted(r.wish.minute for r in replies if r.status == 201)
            assert set(statuses(replies)) == {201, 409}
            assert all(b - a >= 30 for a, b in pairwise(won))
            # Nobody was refused without a winner in the way.
            for reply in replies:
                assert any(abs(reply.wish.minute - minute) < 30 for minute in won)
    Ledger.of(crowded.server).check()
