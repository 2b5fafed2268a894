-- What field-service platforms need: their schedules, whose time a visit takes, and the
-- visits themselves. The rules of 0001_foundation.sql hold here too.

-- is_schedule: a platform's, with visits of many technicians.
ALTER TABLE calendars ADD is_schedule boolean NOT NULL DEFAULT false;

-- technicians: whose time it takes, by the platform's ids; NULL: that of every agent
-- whom the calendar blocks. A visit of nobody is the technician ''.
ALTER TABLE mirrored_times ADD technicians text[];

-- Who does jobs there, and as which agent they are known here; NULL: as none, what they
-- do takes nobody's time. The technician '' stands for visits that nobody is assigned
-- to, and says whose time those take. sealed: name and e-mail.
CREATE TABLE technicians (
    tenant_id uuid,
    connection_id uuid,
    technician_id text,
    agent_id uuid,
    is_active boolean NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, connection_id, technician_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
);

CREATE INDEX technicians_by_agent ON technicians (tenant_id, agent_id)
    INCLUDE (technician_id);

-- Visits as they were last read or written, ours and others'; event_id: the visit's, as
-- links and mirrored times have it. appointment_id: of ours, also once it is no event of
-- that any more. starts_at NULL: it has no time. content_index: a
-- keyed hash of what is sealed, so that what did not change is not written again.
-- sealed: title, customer, type and value of the job.
CREATE TABLE visits (
    tenant_id uuid,
    calendar_id uuid,
    event_id text,
    job_id text NOT NULL,
    visit_id text NOT NULL,
    customer_id text,
    appointment_id uuid,
    status text NOT NULL
        CHECK (status IN ('scheduled', 'in_progress', 'completed', 'cancelled')),
    starts_at timestamptz,
    ends_at timestamptz,
    technicians text[] NOT NULL,
    phone_index bytea,
    email_index bytea,
    content_index bytea NOT NULL,
    read_at timestamptz NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id, event_id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE,
    CHECK ((starts_at IS NULL) = (ends_at IS NULL) AND starts_at < ends_at)
);

CREATE INDEX visits_by_start ON visits (tenant_id, calendar_id, starts_at, event_id);
CREATE INDEX visits_by_job ON visits (tenant_id, calendar_id, job_id);
CREATE INDEX visits_by_customer ON visits (tenant_id, calendar_id, customer_id);
CREATE INDEX visits_by_phone ON visits (tenant_id, phone_index)
    WHERE phone_index IS NOT NULL;
CREATE INDEX visits_by_email ON visits (tenant_id, email_index)
    WHERE email_index IS NOT NULL;
-- Which appointment a visit is; serves whatever links_by_calendar did.
CREATE INDEX links_by_event ON links (tenant_id, calendar_id, event_id);
DROP INDEX links_by_calendar;

-- Customers of a platform that changed there, and are to be asked about. changes counts
-- how often that was told: what is told while somebody asks is asked for again.
CREATE TABLE changed_customers (
    tenant_id uuid,
    change_id uuid,
    connection_id uuid NOT NULL,
    customer_id text NOT NULL,
    changes integer NOT NULL DEFAULT 1,
    attempts integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, change_id),
    UNIQUE (tenant_id, connection_id, customer_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['technicians', 'visits', 'changed_customers']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;

-- Global look-up: a platform's webhook names its account and no tenant. Several tenants
-- may have connected one account. account_hash: SHA-256 of the account's id there.
-- connected_at: when it was connected last; what ended before then is over.
CREATE TABLE platform_account_directory (
    provider text,
    account_hash bytea,
    tenant_id uuid,
    connection_id uuid,
    connected_at timestamptz NOT NULL,
    PRIMARY KEY (provider, account_hash, tenant_id, connection_id)
);

CREATE INDEX platform_account_directory_by_connection
    ON platform_account_directory (connection_id);
