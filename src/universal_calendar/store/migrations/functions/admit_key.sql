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
