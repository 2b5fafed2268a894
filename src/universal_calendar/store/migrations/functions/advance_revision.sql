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
