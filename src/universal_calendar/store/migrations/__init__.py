"""The schema: revisions that run the plain SQL beside them, and functions.

Revisions go forwards only. Functions have a file each, as they are now, and are all put
in place after revisions; so a changed function is a revision too, if one without SQL.

The functions are the statements of the hot path, one round trip each. They read and
write rows and return codes; every decision is made in core. `p_now` is the service's
clock: no function asks the database for the time. Every OUT parameter costs each call
about a microsecond, so a function returns what its caller needs and no more.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from alembic import op
from psycopg import Connection

_HERE: Final = Path(__file__).parent
_DROP: Final = """
SELECT format('DROP FUNCTION %%s', oid::regprocedure) FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND proname = ANY (%s)
"""


def run_sql(name: str) -> None:
    """Run a file as it is written: `%`, `:x` and `$$` mean themselves."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations run on a live connection only")
    connection.execute((_HERE / "sql" / name).read_bytes())


def put_functions(connection: Connection) -> None:
    """Put every function in place of whatever has its name, whoever calls it now."""
    files = function_files()
    names = [each.stem for each in files]
    for (drop,) in connection.execute(_DROP, [names]).fetchall():
        connection.execute(drop.encode())
    for each in files:
        connection.execute(each.read_bytes())


def functions_digest() -> str:
    """Return what changes with any function."""
    content = b"".join(each.read_bytes() for each in function_files())
    return sha256(content).hexdigest()[:16]


def function_files() -> list[Path]:
    """Return the files of functions, each named after the one that is in it."""
    return sorted((_HERE / "functions").glob("*.sql"))
