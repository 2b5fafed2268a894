"""Jobs as nobody should ask for them: each gets an answer that says what is wrong."""

from typing import Any

import httpx2
import pytest

from tests.web.tenant_api.jobs.conftest import JOHN, Office
from tests.web.tenant_api.wishes import UNKNOWN, data, problem
from universal_calendar.services.ports.identity import Role

LONG = "x" * 10_001


def each_of(name: str, *values: Any) -> list[tuple[str, Any]]:
    return [(name, value) for value in values]


@pytest.fixture
def connected(office: Office) -> Office:
    office.connect()
    office.technicians()
    return office


def fields(answer: httpx2.Response) -> set[str]:
    found = problem(answer, 400, "VALIDATION_ERROR")["fields"]
    return {each["field"] for each in found}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *each_of("title", None, "", " ", 7, "a\0", "x" * 256),
        *each_of("startTime", None, 0, "", "2026-12-05", "10:00"),
        ("startTime", "2026-12-05T14:30:00"),
        ("startTime", "2026-12-05T14:30:01Z"),
        ("endTime", None),
        *each_of("description", 7, LONG, "a\0", []),
        *each_of("customer", None, "John", [], 7),
        *each_of("estimatedValue", "350", -1, 0.001, 1e12, True),
        *each_of("jobType", "", 7, "x" * 256),
        *each_of("urgency", "", 7),
        *each_of("notes", 7, LONG, "\0"),
    ],
)
@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_wrong_data(connected: Office, name: str, wrong: Any) -> None:
    answer = connected.desk.post(connected.jobs, connected.job(data={name: wrong}))
    assert fields(answer) == {f"jobData.{name}"}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *each_of("name", None, "", 7),
        *each_of("phone", "212 555", "", 7, "+0"),
        *each_of("email", "john", "", 7),
        *each_of("address", 7, "x" * 1001),
    ],
)
@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_wrong_customers(connected: Office, name: str, wrong: Any) -> None:
    office, customer = connected, JOHN | {name: wrong}
    answer = office.desk.post(office.jobs, office.job(data={"customer": customer}))
    assert fields(answer) == {f"jobData.customer.{name}"}


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
class TestCreating:
    def test_times_in_the_wrong_order(self, connected: Office) -> None:
        for end in (connected.at(10), connected.at(9), "2999-01-01T00:00:00Z"):
            wish = connected.job(data={"endTime": end})
            answer = connected.desk.post(connected.jobs, wish)
            assert fields(answer) == {"jobData.endTime"}

    def test_in_the_past(self, connected: Office) -> None:
        times = {
            "startTime": "2024-01-01T14:00:00Z",
            "endTime": "2024-01-01T16:00:00Z",
        }
        answer = connected.desk.post(connected.jobs, connected.job(data=times))
        problem(answer, 400, "BUSINESS_RULE_VIOLATION")

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            *each_of("agentId", 7, "x", ""),
            *each_of("technicianId", 7, "", "x" * 256, "a\0"),
            *each_of("holdId", 7, "x"),
            *each_of("force", 1, "true", None),
            *each_of("leadId", 7, "", "x" * 256),
            ("jobData", None),
            ("jobData", []),
        ],
    )
    def test_wrong_fields_beside_it(
        self, connected: Office, name: str, wrong: Any
    ) -> None:
        body = connected.job() | {name: wrong}
        assert fields(connected.desk.post(connected.jobs, body)) == {name}

    def test_unknown_fields_are_ignored(self, connected: Office) -> None:
        wish = connected.job(data={"nonsense": 1}, nonsense={"a": []})
        made = data(connected.desk.post(connected.jobs, wish))
        assert made["created"] is True

    def test_people_who_are_not_there(self, connected: Office) -> None:
        office = connected
        for name, value in (
            ("technicianId", "nobodys"),
            ("technicianId", "unassigned"),
            ("agentId", UNKNOWN),
        ):
            wish = office.job() | {name: value}
            answer = office.desk.post(office.jobs, wish)
            assert problem(answer, 404, "NOT_FOUND") is None

    async def test_a_technician_and_another_agent(self, connected: Office) -> None:
        office = connected
        name = f"Zoe {office.business.tenant_id}"
        zoe, other = await office.hire(name), await office.hire("Other")
        technician = office.hand.hires(name)
        office.sync()
        wish = office.job(technicianId=technician, agentId=other)
        assert fields(office.desk.post(office.jobs, wish)) == {"technicianId"}
        wish = office.job(technicianId=technician, agentId=zoe)
        assert data(office.desk.post(office.jobs, wish))["created"] is True

    def test_a_hold_is_taken_up(self, connected: Office) -> None:
        office = connected
        hold = data(
            office.desk.post(
                "/holds", {"agentId": office.desk.agent_id, **office.span(10, 11)}
            )
        )
        wish = office.job(agentId=office.desk.agent_id)
        assert office.desk.post(office.jobs, wish).status_code == 409
        wish = wish | {"holdId": hold["holdId"]}
        assert data(office.desk.post(office.jobs, wish))["created"] is True

    def test_force_passes_the_hours(self, connected: Office) -> None:
        office = connected
        wish = office.job(20, 21, agentId=office.desk.agent_id)
        refused = office.desk.post(office.jobs, wish)
        assert problem(refused, 409, "CONFLICT")["reason"] == "outside_hours"
        assert data(office.desk.post(office.jobs, wish | {"force": True}))["created"]


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
class TestReading:
    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("startDate", None),
            ("endDate", None),
            ("startDate", "12/05/2026"),
            ("endDate", "2026-02-30"),
            ("endDate", "1970-01-01"),
            ("status", "confirmed"),
            ("page", "0"),
            ("page", "x"),
            ("limit", "101"),
            ("timezone", "Mars/Base"),
        ],
    )
    def test_wrong_questions(
        self, connected: Office, name: str, wrong: str | None
    ) -> None:
        day = connected.at(0)[:10]
        query = {"startDate": day, "endDate": day, name: wrong}
        kept = {name: value for name, value in query.items() if value is not None}
        assert fields(connected.desk.get(connected.jobs, **kept)) == {name}

    def test_pages_and_statuses(self, connected: Office) -> None:
        office = connected
        made = [office.create(hour, hour + 1)["jobId"] for hour in (9, 11, 13)]
        assert [each["id"] for each in office.listed(limit=2)] == made[:2]
        assert [each["id"] for each in office.listed(limit=2, page=2)] == made[2:]
        assert office.listed(limit=2, page=3) == []
        assert len(office.listed(status="scheduled")) == 3
        assert office.listed(status="completed") == []
        day = office.at(0)[:10]
        answer = office.desk.get(office.jobs, startDate=day, endDate=day, limit=1)
        pagination = {"page": 1, "limit": 1, "total": 3}
        assert data(answer)["pagination"] == pagination

    def test_days_are_local(self, connected: Office) -> None:
        office = connected
        made = office.create(16, 17, agentId=office.desk.agent_id)
        assert len(office.listed()) == 1
        # It is the next day in Kiribati by then.
        assert office.listed(timezone="Pacific/Kiritimati") == []
        office.disconnect()
        body = office.hand.keys | {"timezone": "Pacific/Kiritimati"}
        data(office.desk.post(f"{office.integrations}/connect", body))
        office.sync()
        assert made["jobId"] not in [each["id"] for each in office.listed()]
        in_utc = [each["id"] for each in office.listed(timezone="UTC")]
        assert in_utc == [made["jobId"]]


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
class TestPaths:
    @pytest.mark.parametrize(
        "job",
        ["nobodys", "a%2Fb", "a%00b", "..%2F..", "x" * 5000, "%ff", "%F0%9F", "1"],
    )
    def test_jobs_that_are_nobodys(self, connected: Office, job: str) -> None:
        path = f"{connected.jobs}/{job}"
        reason = {"tenantId": connected.desk.tenant_id, "reason": "rescheduling"}
        for answer in (
            connected.desk.put(path, {"jobData": {}}),
            connected.desk.ask("DELETE", path, json=reason),
        ):
            assert problem(answer, 404, "NOT_FOUND") is None

    @pytest.mark.parametrize("technician", ["nobodys", "a%2Fb", "a%00b", "x" * 5000])
    def test_technicians_that_are_nobodys(
        self, connected: Office, technician: str
    ) -> None:
        path = f"{connected.integrations}/technicians/{technician}"
        for agent in (None, connected.desk.agent_id):
            answer = connected.desk.put(path, {"agentId": agent})
            assert problem(answer, 404, "NOT_FOUND") is None

    @pytest.mark.parametrize("provider", ["google", "fake", "Jobber", "a%00", "nobody"])
    def test_what_is_no_platform(self, connected: Office, provider: str) -> None:
        day = connected.at(0)[:10]
        path = f"/integrations/{provider}/jobs"
        answer = connected.desk.get(path, startDate=day, endDate=day)
        assert problem(answer, 404, "NOT_FOUND") is None
        answer = connected.desk.post(path, connected.job())
        assert problem(answer, 404, "NOT_FOUND") is None

    def test_an_agent_that_is_not_there(self, connected: Office) -> None:
        path = f"{connected.integrations}/technicians/unassigned"
        answer = connected.desk.put(path, {"agentId": UNKNOWN})
        assert problem(answer, 404, "NOT_FOUND") is None
        assert fields(connected.desk.put(path, {})) == {"agentId"}
        assert fields(connected.desk.put(path, {"agentId": "x"})) == {"agentId"}


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_what_no_job_is_without_cannot_be_cleared(connected: Office) -> None:
    office = connected
    made = office.create()
    path = f"{office.jobs}/{made['jobId']}"
    for name in ("title", "startTime", "endTime", "customer"):
        answer = office.desk.put(path, {"jobData": {name: None}})
        assert fields(answer) == {f"jobData.{name}"}
    answer = office.desk.put(path, {"jobData": {"customer": {"name": None}}})
    assert fields(answer) == {"jobData.customer.name"}
    cleared = {"phone": None, "email": None, "address": None}
    changed = data(office.desk.put(path, {"jobData": {"customer": cleared}}))
    assert changed["changes"] == ["customer"]
    assert office.listed()[0]["customer"]["name"] == JOHN["name"]


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
class TestCancelling:
    @pytest.mark.parametrize("reason", [None, "", "  ", 7, "x" * 2001, "a\0"])
    def test_a_reason_is_needed(self, connected: Office, reason: Any) -> None:
        body = {"tenantId": connected.desk.tenant_id, "reason": reason}
        kept = {name: value for name, value in body.items() if value is not None}
        answer = connected.desk.ask("DELETE", f"{connected.jobs}/1", json=kept)
        assert fields(answer) == {"reason"}

    def test_no_free_text_in_addresses(self, connected: Office) -> None:
        path, tenant = f"{connected.jobs}/1", connected.desk.tenant_id
        query = {"tenantId": tenant, "reason": "John moved"}
        answer = connected.desk.ask("DELETE", path, params=query)
        assert fields(answer) == {"reason"}
        query = {"tenantId": tenant, "reason": "customer_cancellation"}
        answer = connected.desk.ask("DELETE", path, params=query)
        assert answer.status_code == 404


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_jobs_of_another_business(connected: Office, stranger: Office) -> None:
    stranger.connect()
    made = connected.create()
    path = f"{connected.jobs}/{made['jobId']}"
    owner = stranger.desk.as_user(Role.OWNER)
    assert owner.put(path, {"jobData": {"title": "Mine"}}).status_code in (404, 409)
    body = {"tenantId": connected.desk.tenant_id, "jobData": {}}
    assert owner.ask("PUT", path, json=body).status_code == 403
    (job,) = connected.listed()
    assert (job["title"], job["status"]) == ("Kitchen sink", "scheduled")


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
@pytest.mark.parametrize(
    ("customer", "field"),
    [
        ({}, "phone"),
        ({"name": "John"}, "phone"),
        ({"phone": "212"}, "phone"),
        ({"email": "john"}, "email"),
        ({"phone": "+12125551234", "name": 7}, "name"),
        ({"phone": "+12125551234", "address": "x" * 1001}, "address"),
        ({"phone": "+12125551234", "notes": "\0"}, "notes"),
    ],
)
def test_wrong_customers_to_sync(
    connected: Office, customer: dict[str, object], field: str
) -> None:
    path = f"{connected.integrations}/sync/customers"
    answer = connected.desk.post(path, {"customerData": customer})
    assert fields(answer) == {f"customerData.{field}"}
