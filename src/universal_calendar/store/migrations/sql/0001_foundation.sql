-- Tenants, agents, keys, claims and appointments.
--
-- Every table of a tenant has tenant_id first in its primary key, its unique and
-- exclusion constraints and its foreign keys, so that the schema can be sharded by
-- tenant, and is under row-level security that holds for its owner too.
-- Tables without it are the look-ups that lead to a tenant; they hold ids and hashes.

CREATE TABLE tenant_directory (
    tenant_id uuid PRIMARY KEY
);

CREATE TABLE agent_directory (
    agent_id uuid,
    tenant_id uuid,
    PRIMARY KEY (agent_id, tenant_id)
);

-- What it takes to let a request in, so that one look-up decides.
CREATE TABLE api_key_directory (
    key_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    agent_ids uuid[],  -- NULL: every agent of the tenant
    ends_at timestamptz,  -- expiry or revocation; NULL: never
    last_used_at timestamptz,
    UNIQUE (tenant_id, key_id)
);

-- Keys of the whole installation, wrapped by the master key.
CREATE TABLE installation_keys (
    purpose text PRIMARY KEY,
    wrapped bytea NOT NULL
);

-- GCRA: the instant at which the bucket is empty again. Unlogged: after a crash
-- everyone starts with a full allowance.
CREATE UNLOGGED TABLE rate_limits (
    bucket bytea PRIMARY KEY,
    empty_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL,
    timezone text NOT NULL,
    created_at timestamptz NOT NULL
);

-- A tenant's keys, wrapped by the master key; the highest version is the current one.
-- The index key stays the same in all versions, so that blind indexes stay findable.
-- NULL: destroyed, and with it everything that was encrypted.
CREATE TABLE tenant_keys (
    tenant_id uuid REFERENCES tenants,
    version integer,
    data_key bytea,
    index_key bytea,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE agents (
    tenant_id uuid REFERENCES tenants,
    agent_id uuid,
    name text NOT NULL,
    timezone text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    -- Changes with everything that could change an answer about the agent's time.
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id)
) WITH (fillfactor = 50);

-- The hours document (see core/hours.py), complete and validated.
CREATE TABLE schedules (
    tenant_id uuid,
    agent_id uuid,
    document json NOT NULL,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
);

CREATE TABLE api_keys (
    tenant_id uuid REFERENCES tenants,
    key_id uuid,
    label text NOT NULL,
    is_from_environment boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, key_id)
);

-- What holds an agent's time: an appointment, or a hold while it lasts. The constraint
-- is what makes a double booking impossible; a time that is given up is deleted.
-- No foreign key to agents: whoever writes a claim has locked the agent's row.
CREATE TABLE claims (
    tenant_id uuid,
    claim_id uuid,
    agent_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    expires_at timestamptz,  -- a hold's end; NULL: an appointment
    PRIMARY KEY (tenant_id, claim_id),
    CHECK (starts_at < ends_at AND ends_at <= starts_at + interval '31 days'),
    CONSTRAINT claims_no_overlap EXCLUDE USING gist (
        tenant_id WITH =, agent_id WITH =, tstzrange(starts_at, ends_at) WITH &&
    )
);

-- The claims that touch [from, to) end after `from`, and at most 31 days after `to`.
CREATE INDEX claims_by_end ON claims (tenant_id, agent_id, ends_at)
    INCLUDE (starts_at, expires_at, claim_id);

-- sealed: what belongs to a person, encrypted (see store/sealing/encryption.py).
CREATE TABLE appointments (
    tenant_id uuid,
    appointment_id uuid,
    agent_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    timezone text NOT NULL,
    status text NOT NULL CHECK (status IN (
        'pending', 'confirmed', 'in_progress', 'completed', 'cancelled', 'no_show'
    )),
    source text NOT NULL,
    external_reference_id text,
    fingerprint bytea,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    phone_index bytea,
    email_index bytea,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, appointment_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents,
    CHECK (starts_at < ends_at)
);

CREATE INDEX appointments_by_reference
    ON appointments (tenant_id, agent_id, external_reference_id)
    WHERE external_reference_id IS NOT NULL AND status <> 'cancelled';

-- The first answer to each idempotent request, encrypted, for every retry.
CREATE TABLE idempotency_keys (
    tenant_id uuid REFERENCES tenants,
    route text,
    key text,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, route, key)
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'tenant_keys', 'agents', 'schedules',
        'api_keys', 'claims', 'appointments', 'idempotency_keys']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;
