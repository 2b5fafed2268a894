-- The statements of the hot path, one round trip each. They read and write rows and
-- return codes; every decision is made in core. p_now is the service's clock: no
-- function asks the database for the time. Every OUT parameter costs each call about a
-- microsecond, so a function returns what its caller needs and no more.

-- Take one request from a bucket (generic cell rate algorithm). Returns the seconds
-- until the bucket is empty again, or NULL if it is full and nothing was taken.
CREATE FUNCTION take_request(
    p_bucket bytea, p_now timestamptz, p_cost interval, p_window interval
) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    v_empty_at timestamptz;
BEGIN
    INSERT INTO rate_limits AS r (bucket, empty_at) VALUES (p_bucket, p_now + p_cost)
    ON CONFLICT (bucket) DO UPDATE SET empty_at = greatest(r.empty_at, p_now) + p_cost
        WHERE greatest(r.empty_at, p_now) + p_cost <= p_now + p_window
    RETURNING empty_at INTO v_empty_at;
    RETURN date_part('epoch', v_empty_at - p_now);
END $$;

-- Who holds this key, and may it ask now? Sets the tenant for row-level security until
-- the transaction ends. outcome: ok, unauthorized, limited.
CREATE FUNCTION admit_key(
    p_key_hash bytea, p_now timestamptz, p_cost interval, p_window interval,
    OUT outcome text, OUT tenant uuid, OUT key uuid, OUT agents uuid[],
    OUT used double precision
) LANGUAGE plpgsql AS $$
DECLARE
    v_used_before timestamptz := p_now - interval '1 minute';
    v_last_used timestamptz;
BEGIN
    SELECT d.tenant_id, d.key_id, d.agent_ids, d.last_used_at
        INTO tenant, key, agents, v_last_used
        FROM api_key_directory d
        WHERE d.key_hash = p_key_hash AND coalesce(d.ends_at > p_now, true);
    IF NOT FOUND THEN outcome := 'unauthorized'; RETURN; END IF;
    used := take_request(p_key_hash, p_now, p_cost, p_window);
    IF used IS NULL THEN outcome := 'limited'; RETURN; END IF;
    IF coalesce(v_last_used <= v_used_before, true) THEN
        UPDATE api_key_directory d SET last_used_at = p_now
            WHERE d.key_hash = p_key_hash
                AND coalesce(d.last_used_at <= v_used_before, true);
    END IF;
    PERFORM set_config('app.tenant_id', tenant::text, true);
    outcome := 'ok';
END $$;

-- Everything that decides about an agent's time in a window, in one snapshot.
--
-- With p_key_hash the tenant is the key's, else p_tenant. outcome, besides those of
-- admit_key: unknown (no such agent for this caller, or one without hours); unchanged
-- (the revision is still p_known_revision, nothing more was read).
-- claims: starts and ends of the live claims, but for the caller's own p_hold,
-- alternating and in order, as PostgreSQL sends timestamps: 8-byte big-endian
-- microseconds since 2000.
CREATE FUNCTION read_agenda(
    p_key_hash bytea, p_tenant uuid, p_now timestamptz, p_cost interval,
    p_window interval, p_agent uuid, p_from timestamptz, p_to timestamptz,
    p_known_revision bigint, p_hold uuid,
    OUT outcome text, OUT tenant uuid, OUT key uuid, OUT used double precision,
    OUT revision bigint, OUT zone text, OUT document text, OUT claims bytea,
    OUT next_expiry timestamptz
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
    IF NOT FOUND THEN RETURN; END IF;

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
            ORDER BY ends_at
        ) c;
END $$;

-- What a booking needs besides: the tenant's keys, the stored answer to its idempotency
-- key, and the appointment that the same request made before under its reference.
CREATE FUNCTION read_replay(
    p_tenant uuid, p_agent uuid, p_route text, p_idempotency_key text,
    p_reference text, p_fingerprint bytea,
    OUT key_version integer, OUT data_key bytea, OUT index_key bytea,
    OUT stored_fingerprint bytea, OUT stored_status smallint, OUT stored_sealed bytea,
    OUT stored_key bytea, OUT replayed_id uuid
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT k.version, k.data_key, k.index_key INTO key_version, data_key, index_key
        FROM tenant_keys k WHERE k.tenant_id = p_tenant
        ORDER BY k.version DESC LIMIT 1;
    IF p_idempotency_key IS NOT NULL THEN
        SELECT i.fingerprint, i.status, i.sealed, k.data_key
            INTO stored_fingerprint, stored_status, stored_sealed, stored_key
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
END $$;

-- Lock the agent if nothing changed since p_revision was read, and count the change.
CREATE FUNCTION advance_revision(p_tenant uuid, p_agent uuid, p_revision bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    UPDATE agents a SET revision = a.revision + 1
        WHERE a.tenant_id = p_tenant AND a.agent_id = p_agent
            AND a.revision = p_revision;
    RETURN FOUND;
END $$;

-- Claim the time of an agent whose row is locked; false: the constraint refused it.
-- Expired holds in the way are deleted, and so is p_replaced, the caller's own hold.
CREATE FUNCTION claim_time(
    p_tenant uuid, p_agent uuid, p_now timestamptz, p_claim uuid,
    p_starts_at timestamptz, p_ends_at timestamptz, p_expires_at timestamptz,
    p_replaced uuid
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_replaced IS NOT NULL THEN
        DELETE FROM claims c WHERE c.tenant_id = p_tenant AND c.claim_id = p_replaced
            AND c.agent_id = p_agent AND c.expires_at IS NOT NULL;
    END IF;
    FOR attempt IN 1..2 LOOP
        INSERT INTO claims (tenant_id, claim_id, agent_id, starts_at, ends_at,
                expires_at)
            VALUES (p_tenant, p_claim, p_agent, p_starts_at, p_ends_at, p_expires_at)
            ON CONFLICT ON CONSTRAINT claims_no_overlap DO NOTHING;
        IF FOUND THEN RETURN true; END IF;
        DELETE FROM claims c WHERE c.tenant_id = p_tenant AND c.agent_id = p_agent
            AND c.ends_at > p_starts_at AND c.starts_at < p_ends_at
            AND c.expires_at <= p_now;
        IF NOT FOUND THEN RETURN false; END IF;
    END LOOP;
    RETURN false;
END $$;

-- Hold an agent's time until p_expires_at. outcome: as book_appointment's.
CREATE FUNCTION hold_time(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz, p_hold uuid,
    p_starts_at timestamptz, p_ends_at timestamptz, p_expires_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    RETURN CASE WHEN claim_time(p_tenant, p_agent, p_now, p_hold, p_starts_at,
        p_ends_at, p_expires_at, NULL) THEN 'booked' ELSE 'taken' END;
END $$;

-- Keep the first answer under an idempotency key; false: there is one.
CREATE FUNCTION remember_answer(
    p_tenant uuid, p_now timestamptz, p_route text, p_key text, p_fingerprint bytea,
    p_key_version integer, p_status smallint, p_sealed bytea
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status,
            key_version, sealed, created_at)
        VALUES (p_tenant, p_route, p_key, p_fingerprint, p_status, p_key_version,
            p_sealed, p_now)
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- Book, with the answer that retries will get. outcome: booked; changed (read and
-- decide again: the agent changed, or a twin used the idempotency key); taken.
-- The agent's row is always locked before the idempotency key: no deadlock.
CREATE FUNCTION book_appointment(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz,
    p_appointment uuid, p_starts_at timestamptz, p_ends_at timestamptz, p_hold uuid,
    p_timezone text, p_status text, p_source text, p_reference text,
    p_fingerprint bytea, p_key_version integer, p_sealed bytea, p_phone_index bytea,
    p_email_index bytea, p_route text, p_idempotency_key text, p_answer_status smallint,
    p_answer_sealed bytea
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    IF p_idempotency_key IS NOT NULL AND NOT remember_answer(p_tenant, p_now, p_route,
        p_idempotency_key, p_fingerprint, p_key_version, p_answer_status,
        p_answer_sealed)
    THEN RETURN 'changed'; END IF;
    IF NOT claim_time(p_tenant, p_agent, p_now, p_appointment, p_starts_at, p_ends_at,
        NULL, p_hold)
    THEN
        DELETE FROM idempotency_keys i WHERE i.tenant_id = p_tenant
            AND i.route = p_route AND i.key = p_idempotency_key;
        RETURN 'taken';
    END IF;
    INSERT INTO appointments (tenant_id, appointment_id, agent_id, starts_at, ends_at,
            timezone, status, source, external_reference_id, fingerprint, key_version,
            sealed, phone_index, email_index, created_at, updated_at)
        VALUES (p_tenant, p_appointment, p_agent, p_starts_at, p_ends_at, p_timezone,
            p_status, p_source, p_reference, p_fingerprint, p_key_version, p_sealed,
            p_phone_index, p_email_index, p_now, p_now);
    RETURN 'booked';
END $$;
