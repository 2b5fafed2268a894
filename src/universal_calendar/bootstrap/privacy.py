"""Rotation and erasure on open parts."""

from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.services.booking.appointment_changes import AppointmentChanges
from universal_calendar.services.privacy import Customers, TenantErasure
from universal_calendar.services.tenants.key_rotation import KeyRotation
from universal_calendar.store.tenants.key_rotation import KeyTable
from universal_calendar.store.tenants.tenant_erasure import TenantErasureTable
from universal_calendar.store.tenants.tenants import TenantTable
from universal_calendar.web.tenant_api.privacy import PrivacyApi


def key_rotation(parts: Parts) -> KeyRotation:
    """Build what rotates keys."""
    return KeyRotation(KeyTable(parts.database, parts.keyring))


def tenant_erasure(parts: Parts) -> TenantErasure:
    """Build what erases tenants, all but the default one."""
    return TenantErasure(
        TenantTable(parts.database, parts.keyring),
        TenantErasureTable(parts.database, parts.keyring, new_id),
        parts.settings.default_tenant_id,
    )


def privacy_api(parts: Parts, *, has_channels: bool) -> PrivacyApi:
    """Build the endpoints; `has_channels` as for changes of appointments."""
    changes = AppointmentChanges(new_id, has_channels=has_channels)
    return PrivacyApi(Customers(changes), tenant_erasure(parts), parts.units)
