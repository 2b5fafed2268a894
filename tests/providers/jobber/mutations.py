"""What can be done at the fake Jobber; business errors come as `userErrors`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.providers.jobber.company import (
    Client,
    Company,
    Email,
    Json,
    Phone,
    Visit,
    encoded_id,
)
from tests.providers.jobber.views import Views

Tell = Callable[[str, str], None]
"""Takes a topic and an item's id."""


class Refusal(Exception):
    """A business rule is against it: told in `userErrors`, beside what is shown."""

    def __init__(self, message: str, **shown: Json) -> None:
        super().__init__(message)
        self.shown = shown


class Mutations:
    """The fields of Mutation, of one company."""

    def __init__(
        self, company: Company, tell: Tell, disconnect: Callable[[], None]
    ) -> None:
        self._company, self._views = company, Views(company)
        self._tell, self._disconnect = tell, disconnect

    def fields(self) -> Json:
        """Return the root object."""
        done = {
            "appDisconnect": self._app_disconnect,
            "clientCreate": self._client_create,
            "clientCreateNote": self._client_create_note,
            "clientEdit": self._client_edit,
            "jobClose": self._job_close,
            "jobCreate": self._job_create,
            "jobCreateNote": self._job_create_note,
            "propertyCreate": self._property_create,
            "visitCreate": self._visit_create,
            "visitDelete": self._visit_delete,
            "visitEdit": self._visit_edit,
            "visitEditAssignedUsers": self._visit_edit_assigned_users,
            "visitEditSchedule": self._visit_edit_schedule,
        }
        return {name: _judged(name, do) for name, do in done.items()}

    def _app_disconnect(self, _asked: Json) -> Json:
        self._disconnect()
        return {"app": {"id": "app", "name": "Ours"}}

    def _client(self, client_id: str) -> Client:
        client = self._company.client(client_id)
        if client is None:
            raise Refusal("Client not found")
        return client

    def _visit(self, visit_id: str) -> Visit:
        visit = self._company.visit(visit_id)
        if visit is None:
            raise Refusal("Visit not found")
        return visit

    def _client_create(self, asked: Json) -> Json:
        given = asked["input"]
        names = [given.get(each) or "" for each in ("firstName", "lastName")]
        if not any(names) and not given.get("companyName"):
            raise Refusal("First name, last name or company name is required")
        client = self._company.add_client(*names, company_name=given.get("companyName"))
        _add_contacts(client, given.get("phones"), given.get("emails"))
        self._add_properties(client, given.get("properties"))
        self._tell("CLIENT_CREATE", client.id)
        return {"client": self._views.client(client)}

    def _client_edit(self, asked: Json) -> Json:
        client, given = self._client(asked["clientId"]), asked["input"]
        client.first_name = given.get("firstName", client.first_name)
        client.last_name = given.get("lastName", client.last_name)
        _add_contacts(client, given.get("phonesToAdd"), given.get("emailsToAdd"))
        self._add_properties(client, given.get("propertiesToAdd"))
        self._tell("CLIENT_UPDATE", client.id)
        return {"client": self._views.client(client)}

    def _add_properties(self, client: Client, given: list[Json] | None) -> list[Json]:
        return [
            self._views.property(self._company.add_property(client, **each["address"]))
            for each in given or ()
        ]

    def _client_create_note(self, asked: Json) -> Json:
        client, message = self._client(asked["clientId"]), asked["input"]["message"]
        client.notes.append(message)
        note = {"id": encoded_id("ClientNote"), "message": message}
        return {"client": self._views.client(client), "clientNote": note}

    def _property_create(self, asked: Json) -> Json:
        client = self._client(asked["clientId"])
        made = self._add_properties(client, asked["input"]["properties"])
        return {"client": self._views.client(client), "properties": made}

    def _job_create(self, asked: Json) -> Json:
        given = asked["input"]
        place = self._company.property(given["propertyId"])
        if place is None:
            raise Refusal("Property not found")
        if place.client.is_archived:
            raise Refusal("Client is archived")
        if (given.get("scheduling") or {}).get("createVisits"):
            raise NotImplementedError("times without a zone are not ours to send")
        job = self._company.add_job(
            place,
            title=given.get("title"),
            instructions=given.get("instructions"),
            line_items=[
                {"id": encoded_id("JobLineItem"), **each}
                for each in given.get("lineItems") or ()
            ],
            notes=[each["message"] for each in given.get("notes") or ()],
        )
        if self._company.makes_blank_visits:
            self._company.add_visit(job, None, None)
        self._tell("JOB_CREATE", job.id)
        return {"job": self._views.job(job)}

    def _job(self, job_id: str) -> Any:
        job = self._company.job(job_id)
        if job is None:
            raise Refusal("Job not found")
        return job

    def _job_create_note(self, asked: Json) -> Json:
        job, message = self._job(asked["jobId"]), asked["input"]["message"]
        job.notes.append(message)
        note = {"id": encoded_id("JobNote"), "message": message}
        return {"job": self._views.job(job), "jobNote": note}

    def _job_close(self, asked: Json) -> Json:
        job = self._job(asked["jobId"])
        for each in [each for each in job.visits if not each.is_complete]:
            self._company.delete_visit(each)
            self._tell("VISIT_DESTROY", each.id)
        job.is_closed = True
        self._tell("JOB_CLOSED", job.id)
        return {"job": self._views.job(job)}

    def _visit_create(self, asked: Json) -> Json:
        job = self._job(asked["jobId"])
        if job.is_closed:
            raise Refusal("Job is closed", job=self._views.job(job))
        made = []
        for each in asked["input"]["visits"]:
            schedule = each.get("schedule") or {}
            start, end = self._edges(schedule, None, None)
            visit = self._company.add_visit(
                job,
                start,
                end,
                title=each.get("title"),
                instructions=each.get("instructions"),
                users=self._checked_users(schedule.get("teamMemberIdsToAssign") or []),
                told_team=bool(schedule.get("notifyTeam")),
            )
            made.append(self._views.visit(visit))
            self._tell("VISIT_CREATE", visit.id)
        return {"createdVisits": made, "job": self._views.job(job)}

    def _edges(
        self, given: Json, start: datetime | None, end: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        if given.get("startAt"):
            start = self._company.instant(given["startAt"])
        if given.get("endAt"):
            end = self._company.instant(given["endAt"])
        if start is not None and end is not None and end <= start:
            raise Refusal("End must be after start")
        return start, end

    def _checked_users(self, ids: list[str]) -> list[str]:
        for each in ids:
            user = self._company.user(each)
            if user is None or not user.is_active:
                raise Refusal("User not found")
        return ids

    def _visit_delete(self, asked: Json) -> Json:
        visits = [self._visit(each) for each in asked["visitIds"]]
        for each in visits:
            self._company.delete_visit(each)
            self._tell("VISIT_DESTROY", each.id)
        return {"visits": [self._views.visit(each) for each in visits]}

    def _visit_edit(self, asked: Json) -> Json:
        visit, given = self._visit(asked["id"]), asked["attributes"]
        visit.title = given.get("title", visit.title)
        visit.instructions = given.get("instructions", visit.instructions)
        return self._edited(visit)

    def _visit_edit_schedule(self, asked: Json) -> Json:
        visit = self._visit(asked["id"])
        visit.start, visit.end = self._edges(asked["input"], visit.start, visit.end)
        visit.all_day = False
        return self._edited(visit)

    def _visit_edit_assigned_users(self, asked: Json) -> Json:
        visit = self._visit(asked["visitId"])
        visit.users = self._checked_users(asked["input"]["assignedUserIds"])
        return self._edited(visit)

    def _edited(self, visit: Visit) -> Json:
        self._tell("VISIT_UPDATE", visit.id)
        return {"visit": self._views.visit(visit)}


def _judged(name: str, do: Callable[[Json], Json]) -> Callable[..., Json]:
    def resolve(info: Any, **asked: Any) -> Json:
        info.context["done"].append(name)
        try:
            return {**do(asked), "userErrors": []}
        except Refusal as refusal:
            errors = [{"message": str(refusal), "path": ["input"]}]
            nothing: Json = {"createdVisits": [], "properties": []}
            return {**nothing, **refusal.shown, "userErrors": errors}

    return resolve


def _add_contacts(
    client: Client, phones: list[Json] | None, emails: list[Json] | None
) -> None:
    for each in phones or ():
        place = 0 if each.get("primary") else len(client.phones)
        client.phones.insert(place, Phone(each["number"]))
    for each in emails or ():
        place = 0 if each.get("primary") else len(client.emails)
        client.emails.insert(place, Email(each["address"]))
