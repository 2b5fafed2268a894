-- What the mirror of calendars means for an agent's time. The rules at the head of
-- 0001_hot_path.sql hold here too.
--
-- A calendar counts for an agent if it is read, its connection reads, and that is the
-- agent's own or everybody's. Whoever changes that, or a mirrored time, counts a change
-- of those agents (agents.revision) in the same transaction, as for all else that
-- decides about their time. How well a connection is counts as no change: answers that
-- depend on it are kept for a minute at most (see core/silence.py).

CREATE INDEX calendars_read ON calendars (tenant_id) WHERE is_read;

-- What touches [from, to) ends after `from`, and at most 31 days after `to` or in here.
CREATE INDEX mirrored_times_long ON mirrored_times (tenant_id, calendar_id, ends_at)
    INCLUDE (starts_at, kind) WHERE ends_at - starts_at > interval '31 days';

DROP FUNCTION read_agendas, read_agenda;

-- Everything that decides about an agent's time in a window, in one snapshot.
--
-- With p_key_hash the tenant is the key's, else p_tenant. outcome, besides those of
-- admit_key: unknown (no such agent for this caller); unscheduled (it has no hours);
-- unchanged (the revision is still p_known_revision, nothing more was read).
-- claims: starts and ends of the live claims, but for the caller's own p_hold and the
-- appointment p_moved that is to be moved, alternating and in order, as PostgreSQL
-- sends timestamps: 8-byte big-endian microseconds since 2000.
-- busy: start, end and kind (8-byte integer, a place in core.busy.KINDS: 4 is a
-- tentative event), in order: blocks, and what takes time in the calendars that count.
-- calendars: those, as JSON: connection, provider, when it was last read, since when
-- it fails, whether silence closes it, whether bookings ask it; NULL if there are none.
CREATE FUNCTION read_agenda(
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
                json_agg(json_build_array(n.connection_id, n.provider, k.read_at,
                    n.failing_since, n.is_closed_when_silent, n.checks_live)
                    ORDER BY n.connection_id)
            INTO v_counting, v_tentative, calendars
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
    END IF;
END $$;

-- The agendas of a tenant's active agents, or of p_agent alone, by the agents' ids: one
-- place of each array for one agent, with what read_agenda says of it.
--
-- zone: the tenant's; NULL: no such tenant. is_unchanged: zone, agents and revisions
-- are those that the caller knows, nothing more was read.
CREATE FUNCTION read_agendas(
    p_tenant uuid, p_now timestamptz, p_agent uuid, p_from timestamptz,
    p_to timestamptz, p_known_zone text, p_known_agents uuid[],
    p_known_revisions bigint[],
    OUT zone text, OUT is_unchanged boolean, OUT agents uuid[], OUT outcomes text[],
    OUT revisions bigint[], OUT zones text[], OUT documents text[], OUT claims bytea[],
    OUT next_expiries timestamptz[], OUT busy bytea[], OUT calendars text[]
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    SELECT t.timezone INTO zone FROM tenants t WHERE t.tenant_id = p_tenant;
    SELECT array_agg(a.agent_id ORDER BY a.agent_id),
            array_agg(a.revision ORDER BY a.agent_id)
        INTO agents, revisions
        FROM agents a WHERE a.tenant_id = p_tenant AND a.is_active
            AND (p_agent IS NULL OR a.agent_id = p_agent);
    is_unchanged := coalesce(zone = p_known_zone AND agents = p_known_agents
        AND revisions = p_known_revisions, false);
    IF is_unchanged THEN RETURN; END IF;
    SELECT array_agg(r.outcome ORDER BY n), array_agg(r.revision ORDER BY n),
            array_agg(r.zone ORDER BY n), array_agg(r.document ORDER BY n),
            array_agg(r.claims ORDER BY n), array_agg(r.next_expiry ORDER BY n),
            array_agg(r.busy ORDER BY n), array_agg(r.calendars ORDER BY n)
        INTO outcomes, revisions, zones, documents, claims, next_expiries, busy,
            calendars
        FROM unnest(agents) WITH ORDINALITY u (agent, n),
            LATERAL read_agenda(NULL, p_tenant, p_now, NULL, NULL, u.agent, p_from,
                p_to, NULL, NULL, NULL) r;
END $$;

-- Hold an agent's time until p_expires_at. A hold of the same id gives way to it: it is
-- the same request again. outcome: as book_appointment's.
CREATE OR REPLACE FUNCTION hold_time(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz, p_hold uuid,
    p_starts_at timestamptz, p_ends_at timestamptz, p_expires_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    RETURN CASE WHEN claim_time(p_tenant, p_agent, p_now, p_hold, p_starts_at,
        p_ends_at, p_expires_at, p_hold) THEN 'booked' ELSE 'taken' END;
END $$;
