"""What a notice says, sealed into one column of its row."""

from typing import Final
from uuid import UUID

import orjson

from universal_calendar.services.ports.notices import AppointmentSnapshot
from universal_calendar.store.sealing.encryption import TenantKeys, decrypt, place_of

_PLACE: Final = ("notices", "sealed")
_IDS: Final = ("appointment_id", "tenant_id", "agent_id")


def seal_snapshot(
    keys: TenantKeys, notice_id: UUID, snapshot: AppointmentSnapshot
) -> bytes:
    """Encrypt what a notice says."""
    return keys.seal(orjson.dumps(snapshot), *_PLACE, notice_id)


def open_snapshot(
    data_key: bytes, tenant_id: UUID, notice_id: UUID, sealed: bytes
) -> AppointmentSnapshot:
    """Decrypt what a notice says."""
    place = place_of(tenant_id, *_PLACE, notice_id)
    values = orjson.loads(decrypt(data_key, sealed, place))
    ids = {name: UUID(values[name]) for name in _IDS}
    return AppointmentSnapshot(**{**values, **ids})
