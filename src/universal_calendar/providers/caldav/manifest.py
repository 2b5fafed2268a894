"""What any CalDAV server is, and what iCloud is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Credential, Manifest

_CAPABILITIES: Final = frozenset({Capability.WRITES_EVENTS, Capability.READS_CHANGES})

CALDAV: Final = Manifest(
    slug="caldav",
    name="CalDAV",
    capabilities=_CAPABILITIES,
    credentials=(
        Credential(
            "url",
            "Address of the server",
            "such as https://cloud.example.com/remote.php/dav for Nextcloud, or"
            " https://caldav.fastmail.com",
            is_secret=False,
        ),
        Credential("username", "User name", is_secret=False),
        Credential(
            "password",
            "Password",
            "one for this service alone, where the server offers app passwords",
        ),
    ),
)

APPLE: Final = Manifest(
    slug="apple",
    name="Apple iCloud",
    capabilities=_CAPABILITIES,
    credentials=(
        Credential(
            "username",
            "Apple Account",
            "the e-mail address that you sign in with",
            is_secret=False,
        ),
        Credential(
            "appPassword",
            "App-specific password",
            "made at account.apple.com under Sign-In and Security; not your own"
            " password",
        ),
    ),
)
