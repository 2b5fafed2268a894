"""Whatever is sent, however and by whom: it is readable where it is meant to be alone.

Every operation of both dialects is sent strings that nothing else has, in every field
and header; then everything that the service leaves behind is searched for them.
"""

import asyncio
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import httpx2
import orjson
import psycopg
import pytest
from psycopg import sql

from tests.harness.business import open_business
from tests.harness.canaries import Canaries, Canary
from tests.harness.command_line import CommandLine
from tests.harness.every_request import endpoints
from tests.harness.flood import ALWAYS_OPEN, Answer, Flood, House
from tests.harness.island import Island, island, wait_for
from tests.harness.running import RunningService, running_service
from tests.harness.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.notify.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.notify.receiver import Receiver, receiver
from universal_calendar.bootstrap.parts import Server, open_parts, start_server
from universal_calendar.store.encryption import CannotDecrypt, Unreadable
from universal_calendar.store.sealed_rows import SEALED_TABLES, SealedRows
from universal_calendar.web.app import openapi_document

PLAIN: Final = {
    # Whose calendars they are: what a business and its staff call themselves.
    "tenants.name": r"/tenants\S* name",
    "agents.name": r"/agents\S* name",
    "api_keys.label": r"/api-keys label",
    # Needed to send to it, and shown to owners; secrets do not belong there.
    "webhook_endpoints.url": r"/webhook-endpoints url",
    # Ids that another system gave, found by equality: no names, says docs/security.md.
    "appointments.customer_id": r".* customerId",
    "appointments.lead_id": r".* leadId",
    "appointments.conversation_id": r".* conversationId",
    "appointments.external_reference_id": r".* external(R|_r)eference(I|_i)d",
    "idempotency_keys.key": r".* header Idempotency-Key",
    "audit_entries.request_id": r".* header X-Request-ID",
    "audit_entries.actor_id": r".* token sub",
    # What kind of work it is, not for whom.
    "appointments.job_type": r".* appointmentData\.serviceDetails\.jobType",
    "appointments.urgency": r".* appointmentData\.serviceDetails\.urgency",
}
"""Columns that hold plain text on purpose, and where that text comes from."""
IN_LOGS: Final = r".* header X-Request-ID"
"""The one thing of the caller's in a log line: what ties the lines together."""

Row = tuple[str, str]
Superuser = psycopg.Connection[tuple[Any, ...]]

_KEEP_HISTORY = """
CREATE SCHEMA history;
CREATE TABLE history.rows (relation text, content text);
CREATE FUNCTION history.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO history.rows VALUES (TG_TABLE_NAME, to_jsonb(NEW)::text);
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'universal_calendar'::regnamespace
    LOOP
        EXECUTE format('CREATE TRIGGER zz_history AFTER INSERT OR UPDATE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION history.keep()', name);
    END LOOP;
END $$;
"""
_REFUSING = "ALTER TABLE {} ADD CONSTRAINT refuses_all CHECK (false) NOT VALID"
_ACCEPTING = "ALTER TABLE {} DROP CONSTRAINT refuses_all"
_TABLES = (
    *("tenants", "agents", "schedules", "api_keys", "webhook_endpoints", "notices"),
    *("appointments", "blocks", "links", "deliveries", "claims"),
)


@dataclass
class Evidence:
    """What was sent, and all that was left behind, as it was before the erasure."""

    flood: Flood
    place: Island
    server: Server
    service: RunningService
    account: SandboxAccount
    printed: bytes = b""
    server_log: bytes = b""
    metrics: bytes = b""
    files: bytes = b""
    history: list[Row] = field(default_factory=list)
    dump: list[Row] = field(default_factory=list)
    sealed: bytes = b""
    told: dict[str, bytes] = field(default_factory=dict)

    @property
    def canaries(self) -> Canaries:
        """Return what was sent."""
        return self.flood.canaries
