"""The PostgreSQL that the service brings along and runs for itself.

Everything lives in `<home>/postgresql`. Three locks, held by the kernel and never by a
number in a file, say what is going on:

- `start.lock` is taken while somebody starts or stops the server.
- `users.lock` is shared by every process that uses the server. Who can take it alone
  is the last one out, and stops the server.
- `server.lock` is inherited by the server and all its children: it is free exactly when
  no process of the server is left.

A process that is killed with -9 leaves the server running: the next start joins it, and
the last one out stops it.
"""

import sys

if sys.platform == "win32":
    raise ImportError(
        "The embedded PostgreSQL runs on Linux and macOS only. Set DATABASE_URL to a "
        "PostgreSQL 15 or later."
    )

from universal_calendar.store.embedded.errors import EmbeddedPostgresError
from universal_calendar.store.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
