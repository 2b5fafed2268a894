"""The guard: tenants choose where webhooks go, and that must not be our own network.

A name is resolved once, every address it has must be public, and the connection goes to
one of those very addresses: a second look-up could answer otherwise (DNS rebinding).
"""

from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpcore2
import httpx2
from typing_extensions import override

from universal_calendar.outgoing.errors import AddressRefused
from universal_calendar.outgoing.lookup import system_addresses

# Global unicast is all that IANA hands out of IPv6. Outside of it lie what only wraps
# an IPv4 address (mapped, compatible, NAT64 64:ff9b::/96) and everything local.
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
# What Python calls global, depending on its version, and yet leads elsewhere.
_REFUSED: Final = (
    ip_network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    ip_network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    ip_network("168.63.129.16/32"),  # Azure's host, as seen from its guests
    ip_network("2001::/23"),  # protocol assignments, among them Teredo
    ip_network("2002::/16"),  # 6to4: an IPv4 address inside
    ip_network("3fff::/20"),  # documentation, RFC 9637
)
_MOST_ADDRESSES: Final = 4


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether the address belongs to the public internet and to nothing else."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if address.is_multicast or not address.is_global:
        return False
    return not any(address in network for network in _REFUSED)


Resolve = Callable[[str, int], Awaitable[list[str]]]


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """Connects to public addresses only; raises AddressRefused for others."""

    def __init__(self, limits: httpx2.Limits) -> None:
        """Take how many connections may be open."""
        super().__init__(limits=limits)
        # httpx2 offers no way to hand in a network backend: a private attribute, here
        # and nowhere else. Should it ever be gone, no guarded sender can be made.
        backend = self._pool._network_backend
        if not isinstance(backend, httpcore2.AsyncNetworkBackend):
            raise TypeError("httpx2 changed: its connections can no longer be guarded")
        self._pool._network_backend = GuardedBackend(backend, system_addresses)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections for httpx2, each to an address that was judged."""

    def __init__(
        self, backend: httpcore2.AsyncNetworkBackend, resolve: Resolve
    ) -> None:
        """Take what opens connections and what finds a host's addresses."""
        self._backend, self._resolve = backend, resolve

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers; each gets its share of seconds."""
        addresses = await self._public_addresses(host, port)
        share = None if timeout is None else timeout / len(addresses)
        *others, last = addresses
        for address in others:
            try:
                return await self._backend.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(
            last, port, share, local_address, socket_options
        )

    @override
    async def sleep(self, seconds: float) -> None:
        """Wait as the backend does."""
        await self._backend.sleep(seconds)

    async def _public_addresses(self, host: str, port: int) -> list[str]:
        addresses = await self._resolve(host, port)
        if not all(is_public(ip_address(address)) for address in addresses):
            raise AddressRefused(host)
        return addresses[:_MOST_ADDRESSES]
