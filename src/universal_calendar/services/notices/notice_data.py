"""An appointment as software is told of it: what webhooks and broadcasts carry."""

from universal_calendar.services.ports.notices import AppointmentSnapshot


def appointment_data(snapshot: AppointmentSnapshot) -> dict[str, object]:
    """Return the JSON of an appointment, named as the tenant API names it."""
    address = snapshot.address
    return {
        "tenantId": str(snapshot.tenant_id),
        "appointmentId": str(snapshot.appointment_id),
        "agentId": str(snapshot.agent_id),
        "agentName": snapshot.agent_name,
        "startTime": snapshot.start,
        "endTime": snapshot.end,
        "timezone": snapshot.timezone,
        "status": snapshot.status,
        "version": snapshot.version,
        "source": snapshot.source,
        "title": snapshot.title,
        "description": snapshot.description,
        "location": None if address is None else {"address": address},
        "customerInfo": {
            "name": snapshot.customer_name or None,
            "phone": snapshot.customer_phone,
            "email": snapshot.customer_email,
        },
        "reason": snapshot.reason,
    }
