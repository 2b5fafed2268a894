-- Hold an agent's time until p_expires_at. A hold of the same id gives way to it: it is
-- the same request again. outcome: as book_appointment's.
CREATE FUNCTION hold_time(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz, p_hold uuid,
    p_starts_at timestamptz, p_ends_at timestamptz, p_expires_at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    RETURN CASE WHEN claim_time(p_tenant, p_agent, p_now, p_hold, p_starts_at,
        p_ends_at, p_expires_at, p_hold) THEN 'booked' ELSE 'taken' END;
END $$;
