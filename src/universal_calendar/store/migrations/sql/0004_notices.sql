-- How notices reach people and their software. The rules of 0001_foundation.sql hold
-- for every table here.

-- expanded_at: when the notice became deliveries, which happens once: an endpoint that
-- is added later hears of later things. appointment_id NULL: a test event.
ALTER TABLE notices
    ALTER appointment_id DROP NOT NULL,
    ADD expanded_at timestamptz;

CREATE INDEX notices_by_appointment ON notices (tenant_id, appointment_id, created_at);

-- By which channels the tenant wants notices sent, of those the installation has.
ALTER TABLE tenants
    ADD sends_email boolean NOT NULL DEFAULT true,
    ADD sends_sms boolean NOT NULL DEFAULT true,
    ADD sends_broadcast boolean NOT NULL DEFAULT true;

-- sealed: the secrets that sign, the current one first. The one before it signs too
-- until previous_secret_ends_at. disabled_reason: why we switched it off ourselves.
CREATE TABLE webhook_endpoints (
    tenant_id uuid REFERENCES tenants,
    endpoint_id uuid,
    url text NOT NULL,
    events text[] NOT NULL,
    is_active boolean NOT NULL,
    disabled_reason text,
    previous_secret_ends_at timestamptz,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id)
);

-- A notice on one way. next_try_at is also the lease: whoever begins an attempt moves
-- it past the attempt's end, so that nobody else tries meanwhile; attempts counts the
-- begun ones. last_error: a class of error, never anybody's text.
CREATE TABLE deliveries (
    tenant_id uuid,
    delivery_id uuid,
    notice_id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'broadcast', 'webhook')),
    endpoint_id uuid,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    response_status integer,
    next_try_at timestamptz,
    give_up_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id),
    UNIQUE NULLS NOT DISTINCT (tenant_id, notice_id, channel, endpoint_id),
    FOREIGN KEY (tenant_id, notice_id) REFERENCES notices ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints
        ON DELETE CASCADE,
    CHECK ((channel = 'webhook') = (endpoint_id IS NOT NULL)),
    CHECK ((status = 'pending') = (next_try_at IS NOT NULL))
);

CREATE INDEX deliveries_by_endpoint
    ON deliveries (tenant_id, endpoint_id, delivery_id)
    WHERE endpoint_id IS NOT NULL;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['webhook_endpoints', 'deliveries']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;
