"""The database's functions are those of their files, whatever was there before."""

import psycopg

from universal_calendar.bootstrap.parts import Server
from universal_calendar.store.migrate import head_revision
from universal_calendar.store.migrations import (
    function_files,
    functions_digest,
    put_functions,
)


def test_a_changed_function_has_a_revision_of_its_own() -> None:
    """Else nobody gets it whose database is at that revision already.

    Add a migration, without SQL if there is nothing else, then mend this line.
    """
    assert (head_revision(), functions_digest()) == ("0011", "a7bf41bd59011376")


def test_each_file_has_the_function_it_is_named_after() -> None:
    for each in function_files():
        content = each.read_text()
        assert content.count("CREATE FUNCTION ") == 1
        assert f"CREATE FUNCTION {each.stem}(" in content
        assert content.startswith("-- ")


def test_a_function_of_the_name_gives_way(server: Server) -> None:
    with psycopg.connect(server.direct_url) as connection:
        known = signatures(connection)
        connection.execute(
            "CREATE FUNCTION take_turn(p_older integer) RETURNS integer"
            " LANGUAGE plpgsql AS $$ BEGIN RETURN 7; END $$"
        )
        assert len(signatures(connection)) == len(known) + 1
        put_functions(connection)
        assert signatures(connection) == known
        connection.rollback()


def signatures(connection: psycopg.Connection) -> set[str]:
    """Return the functions of our own, with their arguments."""
    names = [each.stem for each in function_files()]
    found = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace = current_schema()::regnamespace AND proname = ANY (%s)",
        [names],
    )
    return {row[0] for row in found}
