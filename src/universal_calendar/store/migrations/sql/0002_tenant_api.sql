-- What the tenant API adds: blocks, calendars to write to, notices, the audit log, and
-- more of an appointment. The rules of 0001_foundation.sql hold for every table here.

-- version counts the changes that calendars and invitations must learn of.
ALTER TABLE appointments
    ADD customer_id text,
    ADD lead_id text,
    ADD conversation_id text,
    ADD job_type text,
    ADD urgency text NOT NULL DEFAULT 'normal',
    ADD estimated_minutes integer,
    ADD estimated_cost numeric(10, 2),
    ADD cancellation_reason text,
    ADD version integer NOT NULL DEFAULT 1;

CREATE INDEX appointments_by_start
    ON appointments (tenant_id, starts_at, appointment_id);
CREATE INDEX appointments_by_phone ON appointments (tenant_id, phone_index)
    WHERE phone_index IS NOT NULL;
CREATE INDEX appointments_by_email ON appointments (tenant_id, email_index)
    WHERE email_index IS NOT NULL;
CREATE INDEX appointments_by_any_reference
    ON appointments (tenant_id, external_reference_id)
    WHERE external_reference_id IS NOT NULL;

-- own: set by its owners. platform: what the tenant service said at fetched_at.
ALTER TABLE schedules
    ADD source text NOT NULL DEFAULT 'own' CHECK (source IN ('own', 'platform')),
    ADD fetched_at timestamptz;

-- While provisional_until lies ahead, the request is still being answered: a retry
-- waits. Past it, whoever comes first writes the final answer.
ALTER TABLE idempotency_keys ADD provisional_until timestamptz;

-- agent_id NULL: every agent of the tenant. sealed: title and reason.
CREATE TABLE blocks (
    tenant_id uuid REFERENCES tenants,
    block_id uuid,
    agent_id uuid,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    is_soft boolean NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, block_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents,
    CHECK (starts_at < ends_at)
);

CREATE INDEX blocks_by_end ON blocks (tenant_id, ends_at)
    INCLUDE (starts_at, agent_id, is_soft);

-- An authorised account at a provider. sealed: credentials and account name;
-- account_index: keyed hash of the account, one connection each.
CREATE TABLE connections (
    tenant_id uuid REFERENCES tenants,
    connection_id uuid,
    provider text NOT NULL,
    account_index bytea NOT NULL,
    status text NOT NULL
        CHECK (status IN ('active', 'failing', 'needs_reauthorization')),
    agent_id uuid,  -- whom its calendars block; NULL: every agent
    timezone text,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    last_success_at timestamptz,
    next_try_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, connection_id),
    UNIQUE (tenant_id, provider, account_index),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
);

-- A provider's collection of events. sealed: its id there and its name.
CREATE TABLE calendars (
    tenant_id uuid,
    calendar_id uuid,
    connection_id uuid NOT NULL,
    is_primary boolean NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

-- Where an agent's appointments are written; agent_id NULL: those of every agent
-- that has no calendar of its own.
CREATE TABLE write_calendars (
    tenant_id uuid,
    agent_id uuid,
    calendar_id uuid NOT NULL,
    UNIQUE NULLS NOT DISTINCT (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

-- An appointment in a calendar: what should be there and what is. is_wanted false: the
-- event should be gone. synced_version is the appointment's version last written.
-- generation makes a new event id where a provider burns those of deleted events.
CREATE TABLE links (
    tenant_id uuid,
    appointment_id uuid,
    calendar_id uuid,
    is_wanted boolean NOT NULL DEFAULT true,
    wanted_version integer NOT NULL,
    synced_version integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'synced', 'failed')),
    generation integer NOT NULL DEFAULT 0,
    event_id text,
    etag text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,  -- a class of error, never a provider's text
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, appointment_id, calendar_id),
    FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointments,
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

-- Something people or their software are to be told: one row for each change of an
-- appointment. sealed: the appointment as it was then.
CREATE TABLE notices (
    tenant_id uuid REFERENCES tenants,
    notice_id uuid,
    appointment_id uuid NOT NULL,
    kind text NOT NULL,  -- appointment.created, .updated, .cancelled, …
    tells_customer boolean NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, notice_id)
);

-- Who did what, when and from where. Ids only: no name, no value.
CREATE TABLE audit_entries (
    tenant_id uuid REFERENCES tenants,
    entry_id uuid,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,  -- api_key, user, service, command_line, worker
    actor_id text NOT NULL,
    action text NOT NULL,  -- appointment.created, …
    subject_id text NOT NULL,
    address text,
    request_id text,
    PRIMARY KEY (tenant_id, entry_id)
);

CREATE INDEX audit_by_subject ON audit_entries (tenant_id, subject_id, entry_id);

-- What is not yet as it should be, over all tenants: the sweep wakes a task for each
-- row that is due. Ids only. The row goes when the thing is settled.
CREATE TABLE due_work (
    tenant_id uuid,
    kind text,  -- calendar, reminder: of an appointment; notice; connection
    item_id uuid,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind, item_id)
);

CREATE INDEX due_work_by_time ON due_work (due_at);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['blocks', 'connections', 'calendars',
        'write_calendars', 'links', 'notices', 'audit_entries']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;

-- Two more of what a booking must know about its tenant.
-- has_listeners: somebody's software wants to hear of appointments.
-- reminder_minutes: how long before an appointment its customer is reminded.
ALTER TABLE tenants
    ADD has_listeners boolean NOT NULL DEFAULT false,
    ADD reminder_minutes integer[] NOT NULL DEFAULT '{}';
