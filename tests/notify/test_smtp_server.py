"""How SMTP_URL is read."""

import pytest

from universal_calendar.notify.smtp_server import SmtpServer


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, False, True)),
        ("smtps://mail.example/", ("mail.example", 465, True, False)),
        ("smtp+plain://[::1]:2525", ("::1", 2525, False, False)),
    ],
)
def test_schemes_and_ports(url: str, expected: tuple[object, ...]) -> None:
    server = SmtpServer.parse(url)
    encryption = (server.uses_tls, server.uses_starttls)
    assert (server.host, server.port, *encryption) == expected
    assert server.username is server.password is None


def test_credentials_are_unescaped_and_never_shown() -> None:
    server = SmtpServer.parse("smtp://me%40here:p%3A%2Fw@mail.example:25")
    assert (server.username, server.password) == ("me@here", "p:/w")
    assert "p:/w" not in repr(server)
    assert "me@here" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://canary:secret@mail.example:port",
        "smtp://canary:secret@mail.example/path",
        "smtp://canary:secret@mail.example?tls=no",
        "smtp://canary:secret@mail.example:0",
    ],
)
def test_anything_else_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"use smtp://user") as refused:
        SmtpServer.parse(url)
    assert "canary" not in str(refused.value)
