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
--
-- Of a schedule's times only those count whose technicians are the agent's, by their ids
-- in the same connection, for each has a technician ''. Who moves an appointment, or
-- gives it to somebody else, is not kept from it by its own event, be that where the
-- appointment did not follow it, or one technician's more. Who has no schedule and moves
-- nothing reads from indexes alone.
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
    ELSIF NOT v_has_schedule AND p_moved IS NULL THEN
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
                    SELECT event_id, starts_at, ends_at, kind, technicians
                    FROM mirrored_times
                    WHERE tenant_id = tenant AND calendar_id = k.calendar_id
                        AND ends_at > p_from AND starts_at < p_to
                        AND ends_at < p_to + interval '31 days'
                    UNION ALL
                    SELECT event_id, starts_at, ends_at, kind, technicians
                    FROM mirrored_times
                    WHERE tenant_id = tenant AND calendar_id = k.calendar_id
                        AND ends_at - starts_at > interval '31 days'
                        AND ends_at >= p_to + interval '31 days' AND starts_at < p_to
                ) m
                WHERE k.tenant_id = tenant AND k.calendar_id = ANY (v_counting)
                    AND (m.technicians IS NULL OR m.technicians && own.technicians)
                    AND (m.kind <> 4 OR k.calendar_id = ANY (v_tentative))
                    AND (p_moved IS NULL OR NOT EXISTS (
                        SELECT FROM links l WHERE l.tenant_id = tenant
                            AND l.appointment_id = p_moved
                            AND l.calendar_id = k.calendar_id
                            AND l.event_id = m.event_id))
                ORDER BY 1
            ) b;
    END IF;
END $$;
