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
