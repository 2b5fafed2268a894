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
