"""Blocks, as people manage them."""

from tests.harness.command_line import CommandLine
from tests.harness.scenes.business import Business

START, END = "2030-12-05T14:00:00Z", "2030-12-05T16:00:00+00:00"


def test_added_listed_and_removed(command: CommandLine, business: Business) -> None:
    tenant = ("--tenant", business.tenant_id)
    words = (START, END, *tenant, "--title", "Dentist", "--soft", "--json")
    made = command("blocks", "add", *words, "--agent", business.agent_id).json
    assert (made["created"], made["conflictingAppointments"]) == (True, [])
    days = ("--from", "2030-12-05", "--to", "2030-12-05")
    (found,) = command("blocks", "list", *tenant, *days, "--json").json["blocks"]
    assert found["id"] == made["blockId"]
    assert (found["title"], found["reason"]) == ("Dentist", None)
    assert (found["startTime"], found["blockType"]) == (START, "soft")
    assert found["agentId"] == business.agent_id
    assert "Dentist" in command("blocks", "list", *tenant).out
    command("blocks", "remove", made["blockId"], *tenant)
    assert command("blocks", "list", *tenant, "--json").json["blocks"] == []


def test_what_cannot_be_used(command: CommandLine, business: Business) -> None:
    tenant = ("--tenant", business.tenant_id)
    told = command("blocks", "add", "2030-12-05 14:00", END, *tenant, status=2).told
    assert "2026-12-05T14:30:00Z" in told
    assert (
        "after startTime"
        in command("blocks", "add", END, START, *tenant, status=1).told
    )
    unknown = ("47addfec-f4cd-41e2-b6ec-6a5e949fe754", *tenant)
    told = command("blocks", "remove", *unknown, status=1).told
    assert "No such block. `universal-calendar blocks list` shows them" in told
