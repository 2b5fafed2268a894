"""The specification's own examples of Field Service Platform Integration.

Requests and answers are the specification's texts; ids, credentials and dates are made
real, and each example is asked with the credential that it shows and the other kind.
"""

import json
from typing import Any, Final

import pytest

from tests.web.tenant_api.documented import check_documented
from tests.web.tenant_api.jobs.conftest import Office
from universal_calendar.services.ports.identity import Role

CONNECT: Final = {
    "jobber": """{
      "tenantId": "tenant-uuid",
      "apiKey": "jobber-api-key",
      "subdomain": "your-business-subdomain",
      "timezone": "America/Los_Angeles"
    }""",
    "housecallpro": """{
      "tenantId": "tenant-uuid",
      "apiKey": "housecallpro-api-key",
      "companyId": "your-company-id",
      "timezone": "America/Los_Angeles"
    }""",
}
CONNECTED: Final = """{
  "success": true,
  "data": {
    "connected": true,
    "provider": "jobber",
    "companyName": "ABC Plumbing",
    "syncEnabled": true,
    "lastSyncAt": null
  }
}"""
LISTED: Final = """{
  "success": true,
  "data": {
    "jobs": [
      {
        "id": "jobber-job-123",
        "title": "Kitchen Sink Repair",
        "status": "scheduled",
        "startTime": "2024-01-01T14:00:00Z",
        "endTime": "2024-01-01T16:00:00Z",
        "customer": {
          "name": "John Smith",
          "phone": "+12125551234",
          "address": "123 Main St, Los Angeles, CA"
        },
        "technician": {
          "name": "Mike Johnson",
          "id": "tech-456"
        },
        "jobType": "plumbing",
        "estimatedValue": 350.00
      }
    ],
    "pagination": {
      "page": 1,
      "limit": 20,
      "total": 45
    }
  }
}"""
CREATE: Final = """{
  "tenantId": "tenant-uuid",
  "leadId": "lead-uuid",
  "conversationId": "conversation-uuid",
  "jobData": {
    "title": "Emergency Plumbing Repair",
    "description": "Kitchen sink leak - customer reports water damage",
    "startTime": "2024-01-01T14:00:00Z",
    "endTime": "2024-01-01T16:00:00Z",
    "customer": {
      "name": "John Smith",
      "phone": "+12125551234",
      "email": "john@example.com",
      "address": "123 Main St, Los Angeles, CA 90210"
    },
    "jobType": "plumbing",
    "urgency": "emergency",
    "estimatedValue": 350.00,
    "notes": "Customer mentioned water spreading to adjacent rooms"
  }
}"""
CREATED: Final = """{
  "success": true,
  "data": {
    "jobId": "jobber-job-789",
    "created": true,
    "scheduledTechnician": "tech-456",
    "confirmationSent": true,
    "invoiceCreated": false
  }
}"""
UPDATED: Final = """{
  "success": true,
  "data": {
    "jobId": "jobber-job-789",
    "updated": true,
    "changes": ["start_time", "technician"],
    "notificationsSent": ["customer", "technician"]
  }
}"""
SYNC: Final = """{
  "tenantId": "tenant-uuid",
  "customerData": {
    "phone": "+12125551234",
    "name": "John Smith",
    "email": "john@example.com",
    "address": "123 Main St, Los Angeles, CA 90210",
    "notes": "Preferred contact method: SMS"
  }
}"""
SYNCED: Final = """{
  "success": true,
  "data": {
    "customerId": "jobber-customer-456",
    "created": true,
    "matched": false,
    "duplicateCheck": "passed"
  }
}"""


def example(text: str) -> Any:
    """Return the data of an answer that the specification shows."""
    shown = json.loads(text)
    assert shown["success"] is True
    return shown["data"]


def asked(office: Office, text: str, **real: object) -> dict[str, Any]:
    """Return a request of the specification's, for this business and its day."""
    body: dict[str, Any] = json.loads(text)
    body.update({"tenantId": office.desk.tenant_id, **real})
    if "jobData" in body:
        body["jobData"] |= office.span(14, 16)
    return body


def as_user(office: Office, role: Role) -> Office:
    desk = office.desk.as_user(role)
    return Office(office.parts, office.business, desk, office.hand, office.day)


@pytest.fixture(params=["service key", "token"])
async def asking(request: pytest.FixtureRequest, office: Office) -> Office:
    """Return a business whose Mike Johnson does jobs, with either credential."""
    mike = office.hand.hires("Mike Johnson")
    owner = as_user(office, Role.OWNER)
    body = asked(office, CONNECT[office.hand.slug], **office.hand.keys)
    path = f"{office.integrations}/connect"
    found = check_documented(
        owner.desk.ask("POST", path, json=body), example(CONNECTED)
    )
    assert (found["provider"], found["connected"]) == (office.hand.slug, True)
    assert found["companyName"] == office.hand.company
    office.sync()
    agent = await office.hire("Mike")
    given = owner.desk.put(
        f"{office.integrations}/technicians/{mike}", {"agentId": agent}
    )
    assert given.status_code == 200, given.text
    return office if request.param == "service key" else as_user(office, Role.OPERATOR)


def create(office: Office, **more: Any) -> dict[str, Any]:
    """Create the specification's job for Mike."""
    (mike,) = [
        name
        for name, each in office.technicians().items()
        if each["agentId"] not in (None, office.desk.agent_id)
    ]
    body = asked(office, CREATE, technicianId=mike, **more)
    answer = office.desk.ask("POST", office.jobs, json=body)
    # Nobody is told: no channel of ours is configured here.
    found = check_documented(answer, example(CREATED))
    assert found["scheduledTechnician"] == mike
    assert (found["created"], found["invoiceCreated"]) == (True, False)
    return dict(found)


def test_create(asking: Office) -> None:
    assert create(asking)["confirmationSent"] is False


def test_create_as_the_example_stands(asking: Office) -> None:
    """Take it without a technician, who is then whoever is free."""
    body = asked(asking, CREATE)
    answer = asking.desk.ask("POST", asking.jobs, json=body)
    assert check_documented(answer, {"created": True})["jobId"]


def test_list(asking: Office) -> None:
    made = create(asking)
    day = asking.at(0)[:10]
    for status in (None, "scheduled", "in_progress", "completed", "cancelled"):
        query = {"startDate": day, "endDate": day, "status": status}
        sent = {name: value for name, value in query.items() if value is not None}
        found = check_documented(asking.desk.get(asking.jobs, **sent), example(LISTED))
        ids = [each["id"] for each in found["jobs"]]
        assert ids == ([made["jobId"]] if status in (None, "scheduled") else [])
        expected = {"page": 1, "limit": 20, "total": len(ids)}
        assert found["pagination"] == expected


def test_update_with_all_of_it_and_with_a_part(asking: Office) -> None:
    made = create(asking)
    path = f"{asking.jobs}/{made['jobId']}"
    body = asked(asking, CREATE)
    body["jobData"] |= asking.span(10, 12)
    answer = asking.desk.ask("PUT", path, json=body)
    found = check_documented(answer, example(UPDATED))
    assert found["changes"] == ["start_time", "end_time"]
    part = {"jobData": {"startTime": asking.at(13)}, "agentId": asking.desk.agent_id}
    found = check_documented(asking.desk.put(path, part), example(UPDATED))
    assert found["changes"] == ["start_time", "end_time", "technician"]
    assert found["updated"] is True


def test_customers(asking: Office) -> None:
    number = f"{asking.day:07d}"
    body = asked(asking, SYNC)
    body["customerData"] |= {"phone": f"+1213{number}", "email": f"{number}@s.example"}
    path = f"{asking.integrations}/sync/customers"
    for is_new in (True, False):
        answer = asking.desk.ask("POST", path, json=body)
        found = check_documented(answer, example(SYNCED))
        assert (found["created"], found["matched"]) == (is_new, not is_new)
        assert found["duplicateCheck"] == "passed"
