"""A day at each platform, from connecting to cancelling."""

import pytest

from tests.web.tenant_api.jobs.conftest import JOHN, Office
from tests.web.tenant_api.jobs.crew import (
    Crew,
    appointment,
    book,
    customer_of,
    interval,
)
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.services.ports.identity import Role


@pytest.fixture
async def crew(office: Office) -> Crew:
    crew = Crew(office)
    for first in ("Mike", "Sue"):
        await crew.hires(first)
    return crew


@pytest.fixture
def connected(office: Office, crew: Crew) -> Office:
    """Connect, and have everything read once."""
    office.connect()
    office.sync()
    return office


class TestConnecting:
    def test_an_account(self, office: Office) -> None:
        found = office.connect()
        assert found == {
            "connected": True,
            "provider": office.hand.slug,
            "companyName": office.hand.company,
            "syncEnabled": True,
            "lastSyncAt": None,
        }
        path = f"/calendar/status/{office.desk.tenant_id}"
        status = data(office.desk.get(path))
        assert (status["connected"], status["provider"]) == (True, office.hand.slug)
        office.sync()
        assert office.connect()["lastSyncAt"] is not None
        assert len(data(office.desk.get(path))["connections"]) == 1


class TestTechnicians:
    @pytest.mark.proves("GET /integrations/{provider}/technicians")
    def test_who_has_a_name_of_ours_is_known(self, office: Office, crew: Crew) -> None:
        stranger = office.hand.hires("Joe Stranger")
        office.connect()
        found = office.technicians()
        for first, technician in crew.technicians.items():
            assert found[technician]["agentId"] == crew.agents[first]
            assert found[technician]["name"].startswith(first)
            assert found[technician]["active"] is True
        for nobody in ("unassigned", stranger):
            assert found[nobody]["agentId"] == office.desk.agent_id

    async def test_who_gets_an_agent_later(self, office: Office) -> None:
        name = f"Joe {office.business.tenant_id}"
        joe = office.hand.hires(name)
        office.connect()
        office.sync()
        assert office.technicians()[joe]["agentId"] == office.desk.agent_id
        agent = await office.hire(name)
        office.sync()
        assert office.technicians()[joe]["agentId"] == agent

    @pytest.mark.proves("PUT /integrations/{provider}/technicians/{technicianId}")
    def test_they_are_given_to_agents(self, connected: Office, crew: Crew) -> None:
        office, mike = connected, crew.technicians["Mike"]
        owner = office.desk.as_user(Role.OWNER)
        for technician in (mike, "unassigned"):
            path = f"{office.integrations}/technicians/{technician}"
            for agent in (crew.agents["Sue"], None):
                answer = owner.put(path, {"agentId": agent})
                assert data(answer) == {
                    "id": technician,
                    "agentId": agent,
                    "updated": True,
                }
                assert office.technicians()[technician]["agentId"] == agent
        refused = office.desk.post(office.jobs, office.job(technicianId=mike))
        (field,) = problem(refused, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "technicianId"

    def test_what_they_do_takes_that_agents_time(
        self, connected: Office, crew: Crew
    ) -> None:
        office, mike = connected, crew.technicians["Mike"]
        office.hand.adds_job(interval(office, 10, 12), mike, "Theirs")
        office.sync()
        assert book(office, crew.agents["Mike"], 10, 11).status_code == 409
        path = f"{office.integrations}/technicians/{mike}"
        assert office.desk.put(path, {"agentId": None}).status_code == 200
        assert book(office, crew.agents["Mike"], 10, 11).status_code == 200


class TestJobs:
    @pytest.mark.proves("POST /integrations/{provider}/jobs")
    def test_a_new_customer_and_a_known_one(
        self, connected: Office, crew: Crew
    ) -> None:
        office, mike = connected, crew.technicians["Mike"]
        customer = customer_of(office)
        first, second = (
            office.create(
                hour, hour + 1, data={"customer": customer}, technicianId=mike
            )
            for hour in (10, 13)
        )
        for made in (first, second):
            assert made | {"created": True, "syncStatus": "synced"} == made
            assert made["scheduledTechnician"] == mike
            assert (made["confirmationSent"], made["invoiceCreated"]) == (False, False)
        assert first["jobId"] != second["jobId"]
        assert office.hand.customers(customer["phone"]) == 1
        there = {each.job_id: each for each in office.hand.schedule()}
        assert there[first["jobId"]].times == [interval(office, 10, 11)]
        assert list(there[first["jobId"]].technicians) == [mike]
        assert there[first["jobId"]].title == "Kitchen sink"

    @pytest.mark.proves("GET /integrations/{provider}/jobs")
    def test_it_is_in_the_list_and_an_appointment(
        self, connected: Office, crew: Crew
    ) -> None:
        office, mike = connected, crew.technicians["Mike"]
        customer = customer_of(office)
        made = office.create(
            data={"customer": customer}, leadId="lead-1", technicianId=mike
        )
        (job,) = office.listed()
        expected = {
            "id": made["jobId"],
            "visitId": made["visitId"],
            "title": "Kitchen sink",
            "status": "scheduled",
            **office.span(10, 11),
            "appointmentId": made["appointmentId"],
        }
        assert job | expected == job
        assert job["technician"]["id"] == mike
        assert job["technician"]["name"].startswith("Mike")
        assert job["customer"]["name"] == "John Smith"
        assert job["customer"]["phone"] == customer["phone"]
        assert job["customer"]["address"].startswith("123 Main St")
        found = appointment(office, made["appointmentId"])
        assert found["agentId"] == crew.agents["Mike"]
        assert (found["source"], found["provider"]) == ("jobs", office.hand.slug)
        assert (found["syncStatus"], found["leadId"]) == ("synced", "lead-1")
        assert (found["notes"], found["cancellationNotes"]) == ("Ring twice", None)
        assert found["serviceDetails"]["estimatedCost"] == 350.0
        noted = office.hand.notes(made["jobId"])
        for text in ("It leaks", "Ring twice"):
            assert text in noted
        office.sync()
        assert office.listed() == [job]

    def test_its_time_is_taken(self, connected: Office, crew: Crew) -> None:
        office = connected
        office.create(10, 11, agentId=office.desk.agent_id)
        day = office.at(0)[:10]
        assert "09:30" in office.agents.starts(day)
        assert "10:00" not in office.agents.starts(day)
        office.sync()
        assert "10:00" not in office.agents.starts(day)
        refused = book(office, office.desk.agent_id, 10, 11)
        assert problem(refused, 409, "CONFLICT")["reason"] == "slot_taken"
        again = office.desk.post(office.jobs, office.job(agentId=office.desk.agent_id))
        assert problem(again, 409, "CONFLICT")["alternatives"]

    def test_without_a_technician_it_is_whoever_is_free(
        self, connected: Office, crew: Crew
    ) -> None:
        office = connected
        assert book(office, crew.agents["Mike"], 10, 11).status_code == 200
        assert book(office, office.desk.agent_id, 10, 11).status_code == 200
        made = office.create(10, 11)
        assert made["scheduledTechnician"] == crew.technicians["Sue"]

    def test_theirs_take_time_and_are_theirs(
        self, connected: Office, crew: Crew
    ) -> None:
        office, mike = connected, crew.technicians["Mike"]
        job_id = office.hand.adds_job(interval(office, 14, 15), mike, "Theirs")
        office.sync()
        assert book(office, crew.agents["Mike"], 14, 15).status_code == 409
        assert book(office, crew.agents["Sue"], 14, 15).status_code == 200
        (job,) = [each for each in office.listed() if each["id"] == job_id]
        assert (job["appointmentId"], job["title"]) == (None, "Theirs")
        path = f"{office.jobs}/{job_id}"
        moved = office.desk.put(path, {"jobData": office.span(15, 16)})
        gone = office.desk.ask("DELETE", path, json=self.reason(office))
        for refused in (moved, gone):
            assert problem(refused, 409, "CONFLICT")["reason"] == "not_our_job"

    def reason(self, office: Office, **more: object) -> dict[str, object]:
        return {
            "tenantId": office.desk.tenant_id,
            "reason": "Nobody answers the door",
            **more,
        }

    @pytest.mark.proves("PUT /integrations/{provider}/jobs/{jobId}")
    def test_it_is_moved_and_given_to_somebody_else(
        self, connected: Office, crew: Crew
    ) -> None:
        office, sue = connected, crew.technicians["Sue"]
        made = office.create(technicianId=crew.technicians["Mike"])
        path = f"{office.jobs}/{made['jobId']}"
        body = {"jobData": {"startTime": office.at(14)}, "technicianId": sue}
        changed = data(office.desk.put(path, body))
        assert changed == {
            "jobId": made["jobId"],
            "updated": True,
            "changes": ["start_time", "end_time", "technician"],
            "notificationsSent": [],
            "syncStatus": "synced",
        }
        (there,) = [
            each for each in office.hand.schedule() if each.job_id == made["jobId"]
        ]
        assert list(there.technicians) == [sue]
        assert there.times == [interval(office, 14, 15)]
        (job,) = office.listed()
        assert (job["startTime"], job["technician"]["id"]) == (office.at(14), sue)
        assert book(office, crew.agents["Mike"], 10, 11).status_code == 200
        again = data(office.desk.put(path, body))
        assert (again["updated"], again["changes"]) == (False, [])

    def test_every_change_is_named(self, connected: Office) -> None:
        office = connected
        made = office.create()
        path = f"{office.jobs}/{made['jobId']}"
        told = {
            "title": "Bath",
            "description": "It drips",
            "customer": {"name": "Joan Smith"},
            "jobType": "tiling",
            "estimatedValue": 12.5,
            "urgency": "high",
            "notes": None,
        }
        changed = data(office.desk.put(path, {"jobData": told}))
        names = "title description customer job_type estimated_value urgency notes"
        assert changed["changes"] == names.split()
        found = appointment(office, made["appointmentId"])
        assert found["customerInfo"]["phone"] == JOHN["phone"]
        assert found["customerInfo"]["name"] == "Joan Smith"

    @pytest.mark.proves("DELETE /integrations/{provider}/jobs/{jobId}")
    def test_it_is_cancelled_with_the_reason(self, connected: Office) -> None:
        office = connected
        agent = office.desk.agent_id
        made = office.create(agentId=agent)
        path = f"{office.jobs}/{made['jobId']}"
        answer = office.desk.ask("DELETE", path, json=self.reason(office))
        assert data(answer) == {
            "jobId": made["jobId"],
            "cancelled": True,
            "notificationsSent": [],
            "syncStatus": "synced",
        }
        there = [each.job_id for each in office.hand.schedule()]
        assert made["jobId"] not in there
        assert "Nobody answers the door" in office.hand.notes(made["jobId"])
        (job,) = office.listed()
        assert job["status"] == "cancelled"
        found = appointment(office, made["appointmentId"])
        assert found["status"] == "cancelled"
        assert found["cancellationReason"] == "business_cancellation"
        assert found["cancellationNotes"] == "Nobody answers the door"
        assert found["notes"] is None
        assert job["appointmentId"] == made["appointmentId"]
        assert book(office, agent, 10, 11).status_code == 200
        again = data(office.desk.ask("DELETE", path, json=self.reason(office)))
        assert (again["jobId"], again["cancelled"]) == (made["jobId"], True)
        assert office.desk.put(path, {"jobData": {"title": "x"}}).status_code == 404

    def test_several_visits_need_to_be_told_apart(self, connected: Office) -> None:
        office = connected
        made = office.create(10, 11)
        path = f"{office.jobs}/{made['jobId']}"
        body = {"jobData": {"startTime": office.at(12)}, "visitId": "nobodys"}
        refused = office.desk.put(path, body)
        (field,) = problem(refused, 400, "VALIDATION_ERROR")["fields"]
        assert field["field"] == "visitId"
        assert made["visitId"] in field["message"]
        moved = office.desk.put(path, body | {"visitId": made["visitId"]})
        assert data(moved)["changes"] == ["start_time", "end_time"]


class TestCustomers:
    @pytest.mark.proves("POST /integrations/{provider}/sync/customers")
    def test_made_once_then_found(self, connected: Office) -> None:
        office = connected
        path = f"{office.integrations}/sync/customers"
        phone = f"+1628{office.day:07d}"
        customer = {
            "phone": phone,
            "name": "Jane Roe",
            "email": f"jane-{office.day}@example.com",
            "address": JOHN["address"],
            "notes": "Preferred contact method: SMS",
        }
        made = data(office.desk.post(path, {"customerData": customer}))
        again = data(office.desk.post(path, {"customerData": {"phone": phone}}))
        assert (made["created"], made["matched"]) == (True, False)
        assert (again["created"], again["matched"]) == (False, True)
        assert made["customerId"] == again["customerId"]
        assert made["duplicateCheck"] == again["duplicateCheck"] == "passed"
        assert office.hand.customers(phone) == 1

    def test_a_retry_is_answered_alike(self, connected: Office) -> None:
        office = connected
        path = f"{office.integrations}/sync/customers"
        body = {"customerData": {"phone": f"+1629{office.day:07d}", "name": "Jim"}}
        key = {"Idempotency-Key": f"customer-{office.day}"}
        answers = [office.desk.post(path, body, headers=key) for _ in range(2)]
        assert answers[0].text == answers[1].text
        assert data(answers[0])["created"] is True
        other = office.desk.post(
            path, {"customerData": {"phone": "+16291112222"}}, headers=key
        )
        assert problem(other, 409, "CONFLICT")["reason"] == "idempotency_mismatch"
