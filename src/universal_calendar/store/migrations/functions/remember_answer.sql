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
