-- End a turn; one that is somebody else's by now stays.
CREATE FUNCTION give_back_turn(p_tenant uuid, p_connection uuid, p_turn uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant_id', p_tenant::text, true);
    DELETE FROM turns WHERE tenant_id = p_tenant AND connection_id = p_connection
        AND turn_id = p_turn;
END $$;
