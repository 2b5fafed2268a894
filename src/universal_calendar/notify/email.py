"""E-mail to customers: words, and an invitation that their calendar understands."""

import asyncio
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Final

import aiosmtplib

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.notify.invitation import invitation, method_of
from universal_calendar.notify.smtp_server import SmtpServer
from universal_calendar.notify.wording import letter, one_line, subject
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    DeliveryError,
    Message,
    Outcome,
    Verdict,
)

_GOODBYE_SECONDS: Final = 0.5
# Refused for what we are or whom we may write for, which an operator can mend: the
# recipient is not at fault.
_OURS_TO_MEND: Final = (
    aiosmtplib.SMTPAuthenticationError,
    aiosmtplib.SMTPSenderRefused,
    aiosmtplib.SMTPHeloError,
    aiosmtplib.SMTPConnectResponseError,
)


def checked_address(text: str) -> Address:
    """Return the one plain address that the text is; raise ValueError else."""
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        raise ValueError("use an address such as bookings@example.com") from None
    if address.addr_spec != text or not address.domain:
        raise ValueError("use an address such as bookings@example.com")
    return address


class EmailChannel:
    """The port `Channel`: hands mail to one server, a connection for each message."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Take the address that mail comes from, and which certificates to trust."""
        self._server, self._sender = server, checked_address(sender)
        is_encrypted = server.uses_tls or server.uses_starttls
        self._trust = (trust or ssl.create_default_context()) if is_encrypted else None

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Hand the mail over; a 5xx is final, a 4xx or silence is not."""
        try:
            mail = self.compose(message)
        except ValueError:
            return Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
        try:
            return await self._hand_over(mail, seconds)
        except TimeoutError:
            return Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)
        except aiosmtplib.SMTPNotSupported:
            return Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _outcome(error)

    def compose(self, message: Message) -> EmailMessage:
        """Write the mail; raise ValueError for an address that is none.

        Message-ID and Date are the same at every attempt.
        """
        notice, snapshot = message.notice, message.notice.snapshot
        if snapshot is None or snapshot.customer_email is None:
            raise ValueError("nobody to write to")
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._named(self._sender, snapshot.tenant_name)
        mail["To"] = checked_address(snapshot.customer_email)
        mail["Subject"] = subject(notice.kind, snapshot)
        mail["Date"] = to_datetime(notice.created_at)
        mail["Message-ID"] = f"<{message.message_id}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter(notice.kind, snapshot))
        self._add_invitation(mail, message, snapshot)
        return mail

    def _add_invitation(
        self, mail: EmailMessage, message: Message, snapshot: AppointmentSnapshot
    ) -> None:
        method = method_of(message.notice.kind)
        if method is None:
            return
        written = invitation(message.notice, snapshot, self._sender.addr_spec)
        mail.add_alternative(
            written.decode(),
            subtype="calendar",
            params={"method": method},
            cte="base64",
        )

    @staticmethod
    def _named(address: Address, name: str) -> Address:
        return Address(one_line(name), addr_spec=address.addr_spec)

    async def _hand_over(self, mail: EmailMessage, seconds: float) -> Outcome:
        connection = self._connection(seconds)
        try:
            async with asyncio.timeout(seconds):
                await connection.connect()
                await connection.send_message(mail)
            await _say_goodbye(connection)
        finally:
            connection.close()
        return Outcome(Verdict.ACCEPTED)

    def _connection(self, seconds: float) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.uses_tls,
            start_tls=server.uses_starttls,
            tls_context=self._trust,
            local_hostname=self._sender.domain,
            timeout=seconds,
        )


async def _say_goodbye(connection: aiosmtplib.SMTP) -> None:
    # The message is accepted: nothing that happens now may have it sent again, so the
    # seconds of the attempt no longer count.
    with suppress(aiosmtplib.SMTPException, OSError):
        await connection.quit(timeout=_GOODBYE_SECONDS)


def _outcome(error: aiosmtplib.SMTPException | OSError) -> Outcome:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
    if isinstance(error, _OURS_TO_MEND):
        return Outcome(Verdict.LATER, DeliveryError.NOT_AUTHORIZED, error.code)
    is_final = 500 <= error.code < 600
    verdict = Verdict.REFUSED if is_final else Verdict.LATER
    return Outcome(verdict, DeliveryError.REJECTED, error.code)
