"""Every error explains itself."""

import pytest

from universal_calendar.core import errors


def family(kind: type[errors.UniversalCalendarError]) -> list[type[Exception]]:
    members = [kind, *(each for sub in kind.__subclasses__() for each in family(sub))]
    return [each for each in members if each.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", family(errors.UniversalCalendarError))
def test_the_tree_shows_every_error(kind: type[Exception]) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__
    assert kind.__doc__


def test_a_message_or_the_first_line_of_the_docstring() -> None:
    assert str(errors.TenantNotFound()) == errors.TenantNotFound.__doc__
    assert str(errors.TenantNotFound("No tenant 7")) == "No tenant 7"
    assert str(errors.Unauthorized()) == "Invalid API key"
    assert str(errors.AgentNotFound("x")) == "Business hours not found for agent x"
    assert str(errors.RateLimited(1.6)) == "Too many requests; try again in 2 s"


def test_the_codes_of_the_wire() -> None:
    assert {str(reason) for reason in errors.Unavailability} == {
        "slot_taken",
        "outside_hours",
        "blocked",
        "daily_limit",
        "off_grid",
        "no_such_time",
    }
