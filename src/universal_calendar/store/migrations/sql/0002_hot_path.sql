-- The statements of the hot path, with blocks, calendars, notices and the audit log.
-- The rules at the head of 0001_hot_path.sql hold here too.

-- Two more of what a booking must know about its tenant.
-- has_listeners: somebody's software wants to hear of appointments.
-- reminder_minutes: how long before an appointment its customer is reminded.
ALTER TABLE tenants
    ADD has_listeners boolean NOT NULL DEFAULT false,
    ADD reminder_minutes integer[] NOT NULL DEFAULT '{}';

DROP FUNCTION read_agenda, read_replay, book_appointment;

-- Everything that decides about an agent's time in a window, in one snapshot.
--
-- With p_key_hash the tenant is the key's, else p_tenant. outcome, besides those of
-- admit_key: unknown (no such agent for this caller); unscheduled (it has no hours);
-- unchanged (the revision is still p_known_revision, nothing more was read).
-- claims: starts and ends of the live claims, but for the caller's own p_hold and the
-- appointment p_moved that is to be moved, alternating and in order, as PostgreSQL
-- sends timestamps: 8-byte big-endian microseconds since 2000.
-- busy: start, end and kind (8-byte integer: 0 hard block, 1 soft block), in order.
CREATE FUNCTION read_agenda(
    p_key_hash bytea, p_tenant uuid, p_now timestamptz, p_cost interval,
    p_window interval, p_agent uuid, p_from timestamptz, p_to timestamptz,
    p_known_revision bigint, p_hold uuid, p_moved uuid,
    OUT outcome text, OUT tenant uuid, OUT key uuid, OUT used double precision,
    OUT revision bigint, OUT zone text, OUT document text, OUT claims bytea,
    OUT next_expiry timestamptz, OUT busy bytea
) LANGUAGE plpgsql AS $$
DECLARE
    v_admitted record;
    v_agents uuid[];  -- NULL: every agent
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
    SELECT string_agg(timestamptz_send(b.starts_at) || timestamptz_send(b.ends_at)
            || int8send(b.is_soft::integer::bigint), '')
        INTO busy
        FROM (
            SELECT starts_at, ends_at, is_soft FROM blocks
            WHERE tenant_id = tenant AND ends_at > p_from AND starts_at < p_to
                AND (agent_id = p_agent OR agent_id IS NULL)
            ORDER BY starts_at
        ) b;
END $$;

-- What a booking needs besides: the tenant's keys, the stored answer to its idempotency
-- key, the appointment that the same request made before under its reference, the
-- calendar to write to and who is to be told.
CREATE FUNCTION read_replay(
    p_tenant uuid, p_agent uuid, p_route text, p_idempotency_key text,
    p_reference text, p_fingerprint bytea,
    OUT key_version integer, OUT data_key bytea, OUT index_key bytea,
    OUT stored_fingerprint bytea, OUT stored_status smallint, OUT stored_sealed bytea,
    OUT stored_key bytea, OUT provisional_until timestamptz, OUT replayed_id uuid,
    OUT calendar uuid, OUT has_listeners boolean, OUT reminder_minutes integer[],
    OUT tenant_name text, OUT agent_name text
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT k.version, k.data_key, k.index_key INTO key_version, data_key, index_key
        FROM tenant_keys k WHERE k.tenant_id = p_tenant
        ORDER BY k.version DESC LIMIT 1;
    IF p_idempotency_key IS NOT NULL THEN
        SELECT i.fingerprint, i.status, i.sealed, k.data_key, i.provisional_until
            INTO stored_fingerprint, stored_status, stored_sealed, stored_key,
                provisional_until
            FROM idempotency_keys i JOIN tenant_keys k ON k.tenant_id = i.tenant_id
                AND k.version = i.key_version
            WHERE i.tenant_id = p_tenant AND i.route = p_route
                AND i.key = p_idempotency_key;
    END IF;
    IF p_reference IS NOT NULL THEN
        SELECT a.appointment_id INTO replayed_id FROM appointments a
            WHERE a.tenant_id = p_tenant AND a.agent_id = p_agent
                AND a.external_reference_id = p_reference
                AND a.status <> 'cancelled' AND a.fingerprint = p_fingerprint
            ORDER BY a.created_at LIMIT 1;
    END IF;
    SELECT w.calendar_id INTO calendar FROM write_calendars w
        WHERE w.tenant_id = p_tenant AND (w.agent_id = p_agent OR w.agent_id IS NULL)
        ORDER BY w.agent_id NULLS LAST LIMIT 1;
    SELECT t.has_listeners, t.reminder_minutes, t.name
        INTO has_listeners, reminder_minutes, tenant_name
        FROM tenants t WHERE t.tenant_id = p_tenant;
    SELECT a.name INTO agent_name
        FROM agents a WHERE a.tenant_id = p_tenant AND a.agent_id = p_agent;
END $$;

-- Book, with the answer that retries will get. outcome: booked; changed (read and
-- decide again: the agent changed, or a twin used the idempotency key); taken.
-- The agent's row is always locked before the idempotency key: no deadlock.
--
-- With p_calendar the appointment is to be written there; with p_notice people are to
-- be told; p_settle_at is when the sweep takes up what this request did not settle.
CREATE FUNCTION book_appointment(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz,
    p_appointment uuid, p_starts_at timestamptz, p_ends_at timestamptz, p_hold uuid,
    p_timezone text, p_status text, p_source text, p_reference text,
    p_fingerprint bytea, p_key_version integer, p_sealed bytea, p_phone_index bytea,
    p_email_index bytea, p_customer_id text, p_lead_id text, p_conversation_id text,
    p_job_type text, p_urgency text, p_estimated_minutes integer,
    p_estimated_cost numeric, p_route text, p_idempotency_key text,
    p_answer_status smallint, p_answer_sealed bytea, p_provisional_until timestamptz,
    p_calendar uuid, p_notice uuid, p_notice_sealed bytea, p_tells_customer boolean,
    p_settle_at timestamptz, p_remind_at timestamptz, p_entry uuid, p_actor_kind text,
    p_actor_id text, p_address text, p_request_id text
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    IF p_idempotency_key IS NOT NULL THEN
        INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status,
                key_version, sealed, created_at, provisional_until)
            VALUES (p_tenant, p_route, p_idempotency_key, p_fingerprint,
                p_answer_status, p_key_version, p_answer_sealed, p_now,
                p_provisional_until)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN RETURN 'changed'; END IF;
    END IF;
    IF NOT claim_time(p_tenant, p_agent, p_now, p_appointment, p_starts_at, p_ends_at,
        NULL, p_hold)
    THEN
        DELETE FROM idempotency_keys i WHERE i.tenant_id = p_tenant
            AND i.route = p_route AND i.key = p_idempotency_key;
        RETURN 'taken';
    END IF;
    INSERT INTO appointments (tenant_id, appointment_id, agent_id, starts_at, ends_at,
            timezone, status, source, external_reference_id, fingerprint, key_version,
            sealed, phone_index, email_index, created_at, updated_at, customer_id,
            lead_id, conversation_id, job_type, urgency, estimated_minutes,
            estimated_cost)
        VALUES (p_tenant, p_appointment, p_agent, p_starts_at, p_ends_at, p_timezone,
            p_status, p_source, p_reference, p_fingerprint, p_key_version, p_sealed,
            p_phone_index, p_email_index, p_now, p_now, p_customer_id, p_lead_id,
            p_conversation_id, p_job_type, p_urgency, p_estimated_minutes,
            p_estimated_cost);
    INSERT INTO audit_entries VALUES (p_tenant, p_entry, p_now, p_actor_kind,
        p_actor_id, 'appointment.created', p_appointment::text, p_address,
        p_request_id);
    IF p_calendar IS NOT NULL THEN
        INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version,
                updated_at)
            VALUES (p_tenant, p_appointment, p_calendar, 1, p_now);
        INSERT INTO due_work VALUES (p_tenant, 'calendar', p_appointment, p_settle_at);
    END IF;
    IF p_notice IS NOT NULL THEN
        INSERT INTO notices VALUES (p_tenant, p_notice, p_appointment,
            'appointment.created', p_tells_customer, p_key_version, p_notice_sealed,
            p_now);
        INSERT INTO due_work VALUES (p_tenant, 'notice', p_notice, p_settle_at);
    END IF;
    IF p_remind_at IS NOT NULL THEN
        INSERT INTO due_work VALUES (p_tenant, 'reminder', p_appointment, p_remind_at);
    END IF;
    RETURN 'booked';
END $$;
