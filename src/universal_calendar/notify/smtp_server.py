"""The mail server that SMTP_URL names."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

_PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
_MEND: Final = (
    "use smtp://user:password@host:587 (STARTTLS), smtps://… (TLS from the start) or"
    " smtp+plain://… (no encryption), with %-escapes"
)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to hand mail in, and how: TLS from the start, STARTTLS, or neither."""

    host: str
    port: int
    uses_tls: bool
    uses_starttls: bool
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Read a URL; raise ValueError, without the URL in it, for any other."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(_MEND) from None
        has_more = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in _PORTS or not parts.hostname or has_more or port == 0:
            raise ValueError(_MEND)
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            uses_tls=parts.scheme == "smtps",
            uses_starttls=parts.scheme == "smtp",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )
