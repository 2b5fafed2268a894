"""Where a request comes from, past the proxies that are trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request

Network = IPv4Network | IPv6Network


def address_of(request: Request, trusted: Sequence[Network]) -> str:
    """Return the client's address: the nearest hop that is no trusted proxy.

    X-Forwarded-For is read from the right, and only as far as each hop is trusted.
    """
    nearest = request.client.host if request.client else ""
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for hop in reversed(hops):
        if not _is_trusted(nearest, trusted) or not hop.strip():
            break
        nearest = hop.strip()
    return nearest


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)
