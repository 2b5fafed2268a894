"""What a company does at its platform to a job of ours, whichever that is."""

from typing import Any

from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.platforms import HousecallProHand, JobberHand
from universal_calendar.core.interval import Interval

Json = dict[str, Any]


def assigns(office: Office, made: Json, *technicians: str) -> None:
    """Have these do it, and nobody else."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.assigns(made["jobId"], *technicians)
    elif isinstance(hand, JobberHand):
        hand.owner.assigns(made["visitId"], *technicians)


def moves(office: Office, made: Json, times: Interval) -> None:
    """Give its visit another time."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.moves(made["jobId"], times)
    elif isinstance(hand, JobberHand):
        hand.owner.moves(made["visitId"], times)


def deletes(office: Office, made: Json) -> None:
    """Take it off the schedule."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.unschedules(made["jobId"])
    elif isinstance(hand, JobberHand):
        hand.owner.deletes(made["visitId"])


def adds_visit(office: Office, made: Json, times: Interval) -> None:
    """Give its job one more visit, of nobody."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.adds_appointment(made["jobId"], times)
    elif isinstance(hand, JobberHand):
        (job,) = (each for each in hand.owner.jobs if each.id == made["jobId"])
        hand.owner.adds_visit(times, job=job)


def renames(office: Office, technician: str, name: str) -> None:
    """Call a technician something else."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        with hand.house.lock:
            employee = hand.house.company.employees[technician]
            employee.first_name, _, employee.last_name = name.partition(" ")
    elif isinstance(hand, JobberHand):
        (user,) = (each for each in hand.owner.company.users if each.id == technician)
        user.name = name


async def believed(office: Office) -> None:
    """Let so much time pass that what is told of our events is no echo of ours."""
    database, tenant_id = office.parts.database, office.business.tenant_id
    async with database.transaction(tenant_id) as connection:
        await connection.execute(
            "UPDATE links SET updated_at = updated_at - interval '1 minute'"
        )


def calls_customer(office: Office, made: Json, name: str) -> None:
    """Have its customer bear another name."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        customer_id = hand.house.owner.job(made["jobId"]).customer_id
        first, _, last = name.partition(" ")
        names = {"first_name": first, "last_name": last}
        hand.house.owner.edits_customer(customer_id, **names)
    elif isinstance(hand, JobberHand):
        client = hand.owner.visit(made["visitId"]).job.property.client
        hand.owner.edits_client(client, name=name)
