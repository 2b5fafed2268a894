"""A mail server that keeps what it accepts and refuses what it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "bookings", "opensesame:@/"


@dataclass
class Mailbox:
    """Answers RCPT and DATA with these lines; while `gate` is closed, DATA waits."""

    port: int = 0
    recipient_answer: str = "250 OK"
    data_answer: str = "250 OK"
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        """Return what was accepted."""
        return [read(envelope) for envelope in self.envelopes]


@dataclass(frozen=True)
class _Handler:
    """Takes mail in; at each connection the library reads all that a handler has."""

    box: Mailbox

    async def handle_RCPT(  # noqa: N802 - the library's signature
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if self.box.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.box.recipient_answer

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await self.box.gate.wait()
        if self.box.data_answer.startswith("250"):
            self.box.envelopes.append(envelope)
            self.box.sessions.append(session)
        return self.box.data_answer


def read(envelope: Envelope) -> EmailMessage:
    """Parse the mail in an envelope."""
    content = envelope.original_content
    assert content is not None
    return message_from_bytes(content, policy=policy.SMTP)


def subject_of(mail: EmailMessage) -> str:
    """Return it as programs show it: at some lengths it is folded after its name."""
    return str(mail["Subject"]).strip()


@asynccontextmanager
async def mailbox(
    certificate: ssl.SSLContext | None = None, *, wants_login: bool = False
) -> AsyncIterator[Mailbox]:
    """Listen on a loopback port for a block; with a certificate STARTTLS is a must."""
    box = Mailbox()
    box.gate.set()

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: object
    ) -> AuthResult:
        known = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == known, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            _Handler(box),
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=certificate,
            require_starttls=certificate is not None,
            auth_required=wants_login,
            auth_require_tls=certificate is not None,
            authenticator=authenticate,
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        box.gate.set()
        server.close()
        await server.wait_closed()
