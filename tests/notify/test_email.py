"""E-mail, handed to a real server over a real socket."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from icalendar import Calendar

from tests.harness.foreign_server import free_port
from tests.notify.building import CHANGED_AT, MESSAGE_ID, message
from tests.notify.mailbox import PASSWORD, USER, Mailbox, mailbox, subject_of
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import to_datetime
from universal_calendar.notify.email import EmailChannel, checked_address
from universal_calendar.notify.smtp_server import SmtpServer
from universal_calendar.services.ports.notices import (
    DeliveryError,
    NoticeKind,
    Outcome,
    Verdict,
)

SENDER = "bookings@acme.example"
HOSTILE = "X\r\nBcc: evil@example.com\r\n\r\nbody\x00"


def channel_to(port: int, scheme: str = "smtp+plain", **more: Any) -> EmailChannel:
    server = SmtpServer.parse(f"{scheme}://127.0.0.1:{port}")
    return EmailChannel(server, SENDER, **more)


async def send(port: int, seconds: float = 10, **fields: Any) -> Outcome:
    kind = fields.pop("kind", NoticeKind.CREATED)
    return await channel_to(port).send(
        message(kind, **fields), now=CHANGED_AT, seconds=seconds
    )


async def test_a_mail_has_words_and_an_invitation(mail: Mailbox) -> None:
    assert await send(mail.port) == Outcome(Verdict.ACCEPTED)
    (received,) = mail.mails
    assert received["From"] == "Acme Plumbing <bookings@acme.example>"
    assert received["To"] == "qwynneth@canaryfield.example"
    assert subject_of(received).startswith("Appointment with Acme Plumbing: Tuesday")
    assert received["Message-ID"] == f"<{MESSAGE_ID}@acme.example>"
    assert received["Date"].datetime == to_datetime(CHANGED_AT).replace(microsecond=0)
    text, calendar = received.iter_parts()
    assert received.get_content_type() == "multipart/alternative"
    assert "is booked for Tuesday" in text.get_content()
    assert calendar.get_content_type() == "text/calendar"
    assert calendar["Content-Type"].params["method"] == "REQUEST"
    content = calendar.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert Calendar.from_ical(content)["METHOD"] == "REQUEST"
    assert mail.envelopes[0].mail_from == SENDER
    assert mail.envelopes[0].rcpt_tos == ["qwynneth@canaryfield.example"]


async def test_a_cancellation_takes_the_event_away(mail: Mailbox) -> None:
    await send(mail.port, kind=NoticeKind.CANCELLED, status="cancelled", version=2)
    _, calendar = mail.mails[0].iter_parts()
    assert calendar["Content-Type"].params["method"] == "CANCEL"


async def test_a_reminder_is_words_alone(mail: Mailbox) -> None:
    await send(mail.port, kind=NoticeKind.REMINDER)
    assert mail.mails[0].get_content_type() == "text/plain"
    assert "Reminder" in mail.mails[0]["Subject"]


async def test_a_second_attempt_is_the_same_mail(mail: Mailbox) -> None:
    await send(mail.port)
    await send(mail.port)
    first, second = mail.mails
    for name in ("Message-ID", "Date", "Subject", "To"):
        assert first[name] == second[name]


@pytest.mark.parametrize("field", ["title", "customer_name", "tenant_name", "address"])
async def test_no_text_becomes_a_header(mail: Mailbox, field: str) -> None:
    hostile: dict[str, Any] = {field: HOSTILE}
    assert (await send(mail.port, **hostile)).verdict is Verdict.ACCEPTED
    (received,) = mail.mails
    assert received["Bcc"] is None
    assert len(list(received.iter_parts())) == 2
    assert mail.envelopes[0].rcpt_tos == ["qwynneth@canaryfield.example"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example, evil@example.com",
        "a,evil@example.com",
        "<a@b.example>",
        "a@b.example\r\nBcc: evil@example.com",
        "a@b.example> RCPT TO:<evil@example.com",
        "a b@c.example",
        "a@",
        "@b.example",
        "",
        "a@b(c)",
    ],
)
async def test_nobody_else_is_written_to(mail: Mailbox, address: str) -> None:
    outcome = await send(mail.port, customer_email=address)
    assert outcome == Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
    assert mail.envelopes == []
    with pytest.raises(ValueError, match="use an address"):
        checked_address(address)


async def test_names_of_any_script_arrive(mail: Mailbox) -> None:
    await send(mail.port, tenant_name="Ящик & Söhne", customer_name="王小明")
    assert mail.mails[0]["From"].addresses[0].display_name == "Ящик & Söhne"
    text, _ = mail.mails[0].iter_parts()
    assert "王小明" in text.get_content()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"recipient_answer": "550 no such user"}, (Verdict.REFUSED, 550)),
        ({"recipient_answer": "450 greylisted"}, (Verdict.LATER, 450)),
        ({"data_answer": "554 spam"}, (Verdict.REFUSED, 554)),
        ({"data_answer": "451 try later"}, (Verdict.LATER, 451)),
    ],
)
async def test_five_is_final_and_four_is_not(
    mail: Mailbox, answers: dict[str, str], expected: tuple[Verdict, int]
) -> None:
    for name, line in answers.items():
        setattr(mail, name, line)
    outcome = await send(mail.port)
    assert outcome == Outcome(expected[0], DeliveryError.REJECTED, expected[1])


async def test_a_server_that_is_away(mail: Mailbox) -> None:
    outcome = await send(free_port())
    assert outcome == Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)


async def test_a_server_that_hangs(mail: Mailbox) -> None:
    mail.gate.clear()
    loop = asyncio.get_running_loop()
    started = loop.time()
    outcome = await send(mail.port, seconds=0.3)
    assert outcome == Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)
    assert loop.time() - started < 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    address = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "mail.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return file


async def test_starttls_and_login(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=certificate)
    async with mailbox(context, wants_login=True) as box:
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        right, wrong = (
            EmailChannel(
                SmtpServer.parse(f"smtp://{credentials}@127.0.0.1:{box.port}"),
                SENDER,
                trust,
            )
            for credentials in (login, f"{USER}:wrong")
        )
        outcome = await wrong.send(message(), now=CHANGED_AT, seconds=10)
        assert outcome.error is DeliveryError.NOT_AUTHORIZED
        assert outcome.verdict is Verdict.LATER
        assert box.envelopes == []
        outcome = await right.send(message(), now=CHANGED_AT, seconds=10)
        assert outcome == Outcome(Verdict.ACCEPTED)
        assert box.sessions[0].ssl is not None


async def test_nothing_is_told_without_the_encryption_that_was_asked_for(
    mail: Mailbox, certificate: Path
) -> None:
    outcome = await channel_to(mail.port, "smtp").send(
        message(), now=CHANGED_AT, seconds=10
    )
    assert outcome == Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
    assert mail.envelopes == []


async def test_a_stranger_s_certificate_is_not_trusted(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with mailbox(context) as box:
        outcome = await channel_to(box.port, "smtp").send(
            message(), now=CHANGED_AT, seconds=10
        )
        assert outcome == Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
        assert box.envelopes == []
