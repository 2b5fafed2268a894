"""The fake itself: what does not fit the contract does not pass."""

import httpx2
import pytest

from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import VERSION, JobberServer, running_jobber
from tests.providers.jobber.world import ZONE

GOOD = "query { users(first: 1) { nodes { id } } }"


def ask(
    server: JobberServer, owner: Owner, query: str, version: str = VERSION
) -> httpx2.Response:
    headers = {
        "authorization": f"Bearer {owner.api_key()}",
        "x-jobber-graphql-version": version,
    }
    with httpx2.Client(trust_env=False) as client:
        return client.post(
            server.registration.api_url, headers=headers, json={"query": query}
        )


def test_what_fits_passes() -> None:
    with running_jobber() as server:
        owner = server.open("ABC Plumbing", ZONE)
        answer = ask(server, owner, GOOD).json()
    assert answer["data"]["users"]["nodes"][0]["id"] == owner.company.users[0].id
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (1, 2)


@pytest.mark.parametrize(
    ("query", "version"),
    [
        (GOOD, "2022-03-10"),
        ("query { users { nodes { id } } }", VERSION),
        ("query { users(first: 1) { nodes { nickname } } }", VERSION),
        ("mutation { appDisconnect { app { id } } }", VERSION),
        ("query {", VERSION),
    ],
)
def test_what_does_not_fit_is_told(query: str, version: str) -> None:
    with pytest.raises(AssertionError), running_jobber() as server:
        ask(server, server.open("ABC Plumbing", ZONE), query, version)
