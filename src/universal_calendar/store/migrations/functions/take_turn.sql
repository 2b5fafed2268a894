-- Take the turn of a connection; false: it is somebody else's, or the connection is
-- gone.
CREATE FUNCTION take_turn(
    p_tenant uuid, p_connection uuid, p_turn uuid, p_now timestamptz,
    p_ends_at timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    INSERT INTO turns AS t
        SELECT n.tenant_id, n.connection_id, p_turn, p_ends_at FROM connections n
        WHERE n.tenant_id = p_tenant AND n.connection_id = p_connection
        FOR KEY SHARE
    ON CONFLICT (tenant_id, connection_id)
        DO UPDATE SET turn_id = excluded.turn_id, ends_at = excluded.ends_at
            WHERE t.ends_at <= p_now;
    RETURN FOUND;
END $$;
