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
