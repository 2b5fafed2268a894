"""An account of a test's own on a real server, examined through a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from tests.contracts.drafts import TENANT
from tests.contracts.world import Examined
from tests.providers.caldav.proxy import Proxy, running_proxy
from tests.providers.caldav.servers import KINDS, DavServer
from tests.providers.caldav.world import DavWorld
from tests.providers.means import means_of
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.caldav.client import open_caldav
from universal_calendar.services.ports.calendars import Access

PASSWORD = "p\u00e4ss-word-of-the-tests:with-colon"  # noqa: S105 - of the tests alone


@contextmanager
def running_server(kind: str, folder: Path) -> Iterator[DavServer]:
    """Run a server for a block."""
    server = DavServer(KINDS[kind], folder)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def open_account(server: DavServer) -> Iterator[DavWorld]:
    """Make an account with two calendars, and a proxy before it."""
    if server.process.poll() is not None:
        server.start()
    user = f"owner-{token_hex(8)}@example.com"
    server.open_user(user)
    paths = [server.add_calendar(user, name) for name in ("work", "holidays")]
    read_only = None if server.kind.answers_read_only else paths[1]
    proxy = Proxy(server.port, {user: PASSWORD}, read_only)
    with running_proxy(proxy):
        yield DavWorld(server, proxy, user)


def examined_account(world: DavWorld, sender: Sender) -> Examined:
    """Return the account with a provider of its own."""
    home = world.server.kind.home(world.user)
    secrets = {"url": world.proxy.url, "username": world.user, "password": PASSWORD}
    return Examined(
        open_caldav(replace(means_of(sender), allows_http=True)),
        Access(TENANT, UUID(int=1), secrets),
        f"{home}work/",
        f"{home}holidays/",
        {**secrets, "password": "another"},
        world,
        remembers_deleted=False,
    )
