"""Whether a server is done with all that was sent to it."""

import select
from collections.abc import Iterable


def is_resting(descriptors: Iterable[int]) -> bool:
    """Tell whether nothing waits at these sockets: no request, no peer that is gone."""
    poll = select.poll()
    for each in descriptors:
        poll.register(each, select.POLLIN | select.POLLRDHUP)
    return not poll.poll(0)
