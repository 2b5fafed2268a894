-- Set when the appointment is to be reminded of next, or never (p_starts_at NULL, or
-- every reminder's time is past). due_work of kind 'reminder': item_id is an
-- appointment. For whatever books, moves or cancels, in its transaction.
CREATE FUNCTION schedule_reminder(
    p_tenant uuid, p_appointment uuid, p_starts_at timestamptz, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_due_at timestamptz;
BEGIN
    SELECT min(p_starts_at - make_interval(mins => m)) INTO v_due_at
        FROM tenants t, unnest(t.reminder_minutes) m
        WHERE t.tenant_id = p_tenant
            AND p_starts_at - make_interval(mins => m) > p_now;
    IF v_due_at IS NULL THEN
        DELETE FROM due_work w WHERE w.tenant_id = p_tenant AND w.kind = 'reminder'
            AND w.item_id = p_appointment;
    ELSE
        INSERT INTO due_work (tenant_id, kind, item_id, due_at)
            VALUES (p_tenant, 'reminder', p_appointment, v_due_at)
            ON CONFLICT (tenant_id, kind, item_id) DO UPDATE
            SET due_at = EXCLUDED.due_at;
    END IF;
END $$;
