"""What belongs to a person, sealed into one column of an appointment's row."""

from uuid import UUID

import orjson

from universal_calendar.core.phone import normalized_phone
from universal_calendar.services.ports.appointments import Person
from universal_calendar.store.sealing.encryption import TenantKeys, decrypt, place_of

_TABLE, _COLUMN = "appointments", "sealed"


def seal_person(keys: TenantKeys, appointment_id: UUID, person: Person) -> bytes:
    """Encrypt a person for one appointment's row."""
    return keys.seal(orjson.dumps(person), _TABLE, _COLUMN, appointment_id)


def open_person(
    data_key: bytes, tenant_id: UUID, appointment_id: UUID, sealed: bytes
) -> Person:
    """Decrypt the person of an appointment's row."""
    place = place_of(tenant_id, _TABLE, _COLUMN, appointment_id)
    return Person(**orjson.loads(decrypt(data_key, sealed, place)))


def phone_index(keys: TenantKeys, person: Person) -> bytes | None:
    """Return the blind index of the normalised phone, if there is any number in it."""
    number = normalized_phone(person.phone or "")
    return keys.blind_index("phone", number) if number else None


def email_index(keys: TenantKeys, person: Person) -> bytes | None:
    """Return the blind index of the e-mail address, compared without case."""
    if person.email is None:
        return None
    return keys.blind_index("email", person.email.casefold())
