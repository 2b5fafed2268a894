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

-- What 0007_mirrored_busy.sql says, and what a schedule takes: of its times only those
-- whose technicians are the agent's, by their ids in the same connection, for each has
-- a technician ''. Who has no schedule reads from indexes alone, as before.
CREATE OR REPLACE FUNCTION read_agenda(
    p_key_hash bytea, p_tenant uuid, p_now timestamptz, p_cost interval,
    p_window interval, p_agent uuid, p_from timestamptz, p_to timestamptz,
    p_known_revision bigint, p_hold uuid, p_moved uuid,
    OUT outcome text, OUT tenant uuid, OUT key uuid, OUT used double precision,
    OUT revision bigint, OUT zone text, OUT document text, OUT claims bytea,
    OUT next_expiry timestamptz, OUT busy bytea, OUT calendars text
) LANGUAGE plpgsql AS $$
DECLARE
    v_admitted record;
    v_agents uuid[];  -- NULL: every agent
    v_counting uuid[];
    v_tentative uuid[];  -- of those, where tentative events count too
    v_has_schedule boolean;  -- among those
BEGIN
    IF p_key_hash IS NULL THEN
        tenant := p_tenant;
        PERFORM set_config('app.tenant_id', tenant::text, true);
    ELSE
        v_admitted := admit_key(p_key_hash, p_now, p_cost, p_window);
        outcome := v_admitted.outcome;
        tenant := v_admitted.tenant;
        key := v_admitted.key;
        v_agents := v_admitted.agents;
        used := v_admitted.used;
        IF outcome <> 'ok' THEN RETURN; END IF;
    END IF;

    outcome := 'unknown';
    IF NOT coalesce(p_agent = ANY (v_agents), true) THEN RETURN; END IF;
    SELECT a.revision, a.timezone INTO revision, zone FROM agents a
        WHERE a.tenant_id = tenant AND a.agent_id = p_agent AND a.is_active;
    IF NOT FOUND THEN RETURN; END IF;
    IF revision = p_known_revision THEN outcome := 'unchanged'; RETURN; END IF;
    SELECT s.document INTO document FROM schedules s
        WHERE s.tenant_id = tenant AND s.agent_id = p_agent;
    IF NOT FOUND THEN outcome := 'unscheduled'; RETURN; END IF;

    outcome := 'ok';
    SELECT string_agg(timestamptz_send(c.starts_at) || timestamptz_send(c.ends_at), ''),
            min(c.expires_at)
        INTO claims, next_expiry
        FROM (
            SELECT starts_at, ends_at, expires_at FROM claims
            WHERE tenant_id = tenant AND agent_id = p_agent
                AND ends_at > p_from AND starts_at < p_to
                AND ends_at < p_to + interval '31 days'
                AND (expires_at IS NULL OR expires_at > p_now)
                AND (p_hold IS NULL OR claim_id <> p_hold OR expires_at IS NULL)
                AND (p_moved IS NULL OR claim_id <> p_moved)
            ORDER BY ends_at
        ) c;

    -- Most tenants have no calendar that is read: they pay for this look alone.
    IF EXISTS (SELECT FROM calendars k WHERE k.tenant_id = tenant AND k.is_read) THEN
        SELECT array_agg(k.calendar_id),
                array_agg(k.calendar_id) FILTER (WHERE n.tentative_blocks),
                bool_or(k.is_schedule),
                json_agg(json_build_array(n.connection_id, n.provider, k.read_at,
                    n.failing_since, n.is_closed_when_silent, n.checks_live)
                    ORDER BY n.connection_id)
            INTO v_counting, v_tentative, v_has_schedule, calendars
            FROM calendars k JOIN connections n ON n.tenant_id = k.tenant_id
                AND n.connection_id = k.connection_id
            WHERE k.tenant_id = tenant AND k.is_read AND n.direction <> 'to_provider'
                AND (n.agent_id = p_agent OR n.agent_id IS NULL);
    END IF;
    IF v_counting IS NULL THEN
        SELECT string_agg(timestamptz_send(b.starts_at) || timestamptz_send(b.ends_at)
                || int8send(b.is_soft::integer::bigint), '')
            INTO busy
            FROM (
                SELECT starts_at, ends_at, is_soft FROM blocks
                WHERE tenant_id = tenant AND ends_at > p_from AND starts_at < p_to
                    AND (agent_id = p_agent OR agent_id IS NULL)
                ORDER BY starts_at
            ) b;
    ELSIF NOT v_has_schedule THEN
        SELECT string_agg(timestamptz_send(b.starts_at) || timestamptz_send(b.ends_at)
                || int8send(b.kind), '')
            INTO busy
            FROM (
                SELECT starts_at, ends_at, is_soft::integer::bigint AS kind
                FROM blocks
                WHERE tenant_id = tenant AND ends_at > p_from AND starts_at < p_to
                    AND (agent_id = p_agent OR agent_id IS NULL)
                UNION ALL
                SELECT starts_at, ends_at, kind::bigint
                FROM mirrored_times
                WHERE tenant_id = tenant AND calendar_id = ANY (v_counting)
                    AND ends_at > p_from AND starts_at < p_to
                    AND ends_at < p_to + interval '31 days'
                    AND (kind <> 4 OR calendar_id = ANY (v_tentative))
                UNION ALL
                SELECT starts_at, ends_at, kind::bigint
                FROM mirrored_times
                WHERE tenant_id = tenant AND calendar_id = ANY (v_counting)
                    AND ends_at - starts_at > interval '31 days'
                    AND ends_at >= p_to + interval '31 days' AND starts_at < p_to
                    AND (kind <> 4 OR calendar_id = ANY (v_tentative))
                ORDER BY 1
            ) b;
    ELSE
        SELECT string_agg(timestamptz_send(b.starts_at) || timestamptz_send(b.ends_at)
                || int8send(b.kind), '')
            INTO busy
            FROM (
                SELECT starts_at, ends_at, is_soft::integer::bigint AS kind
                FROM blocks
                WHERE tenant_id = tenant AND ends_at > p_from AND starts_at < p_to
                    AND (agent_id = p_agent OR agent_id IS NULL)
                UNION ALL
                SELECT m.starts_at, m.ends_at, m.kind::bigint
                FROM calendars k
                CROSS JOIN LATERAL (
                    SELECT array_agg(t.technician_id) AS technicians FROM technicians t
                    WHERE t.tenant_id = tenant AND t.connection_id = k.connection_id
                        AND t.agent_id = p_agent
                ) own
                CROSS JOIN LATERAL (
                    SELECT starts_at, ends_at, kind, technicians
                    FROM mirrored_times
                    WHERE tenant_id = tenant AND calendar_id = k.calendar_id
                        AND ends_at > p_from AND starts_at < p_to
                        AND ends_at < p_to + interval '31 days'
                    UNION ALL
                    SELECT starts_at, ends_at, kind, technicians
                    FROM mirrored_times
                    WHERE tenant_id = tenant AND calendar_id = k.calendar_id
                        AND ends_at - starts_at > interval '31 days'
                        AND ends_at >= p_to + interval '31 days' AND starts_at < p_to
                ) m
                WHERE k.tenant_id = tenant AND k.calendar_id = ANY (v_counting)
                    AND (m.technicians IS NULL OR m.technicians && own.technicians)
                    AND (m.kind <> 4 OR k.calendar_id = ANY (v_tentative))
                ORDER BY 1
            ) b;
    END IF;
END $$;
