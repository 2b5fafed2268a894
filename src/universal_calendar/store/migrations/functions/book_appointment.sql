-- Book, with the answer that retries will get. outcome: booked; changed (read and
-- decide again: the agent changed, or a twin used the idempotency key); taken.
-- The agent's row is always locked before the idempotency key: no deadlock.
--
-- With p_calendar the appointment is to be written there; with p_notice people are to
-- be told; p_settle_at is when the sweep takes up what this request did not settle.
CREATE FUNCTION book_appointment(
    p_tenant uuid, p_agent uuid, p_revision bigint, p_now timestamptz,
    p_appointment uuid, p_starts_at timestamptz, p_ends_at timestamptz, p_hold uuid,
    p_timezone text, p_status text, p_source text, p_reference text,
    p_fingerprint bytea, p_key_version integer, p_sealed bytea, p_phone_index bytea,
    p_email_index bytea, p_customer_id text, p_lead_id text, p_conversation_id text,
    p_job_type text, p_urgency text, p_estimated_minutes integer,
    p_estimated_cost numeric, p_route text, p_idempotency_key text,
    p_answer_status smallint, p_answer_sealed bytea, p_provisional_until timestamptz,
    p_calendar uuid, p_notice uuid, p_notice_sealed bytea, p_tells_customer boolean,
    p_settle_at timestamptz, p_remind_at timestamptz, p_entry uuid, p_actor_kind text,
    p_actor_id text, p_address text, p_request_id text
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT advance_revision(p_tenant, p_agent, p_revision) THEN RETURN 'changed'; END IF;
    IF p_idempotency_key IS NOT NULL THEN
        INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status,
                key_version, sealed, created_at, provisional_until)
            VALUES (p_tenant, p_route, p_idempotency_key, p_fingerprint,
                p_answer_status, p_key_version, p_answer_sealed, p_now,
                p_provisional_until)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN RETURN 'changed'; END IF;
    END IF;
    IF NOT claim_time(p_tenant, p_agent, p_now, p_appointment, p_starts_at, p_ends_at,
        NULL, p_hold)
    THEN
        DELETE FROM idempotency_keys i WHERE i.tenant_id = p_tenant
            AND i.route = p_route AND i.key = p_idempotency_key;
        RETURN 'taken';
    END IF;
    INSERT INTO appointments (tenant_id, appointment_id, agent_id, starts_at, ends_at,
            timezone, status, source, external_reference_id, fingerprint, key_version,
            sealed, phone_index, email_index, created_at, updated_at, customer_id,
            lead_id, conversation_id, job_type, urgency, estimated_minutes,
            estimated_cost)
        VALUES (p_tenant, p_appointment, p_agent, p_starts_at, p_ends_at, p_timezone,
            p_status, p_source, p_reference, p_fingerprint, p_key_version, p_sealed,
            p_phone_index, p_email_index, p_now, p_now, p_customer_id, p_lead_id,
            p_conversation_id, p_job_type, p_urgency, p_estimated_minutes,
            p_estimated_cost);
    INSERT INTO audit_entries VALUES (p_tenant, p_entry, p_now, p_actor_kind,
        p_actor_id, 'appointment.created', p_appointment::text, p_address,
        p_request_id);
    IF p_calendar IS NOT NULL THEN
        INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version,
                updated_at)
            VALUES (p_tenant, p_appointment, p_calendar, 1, p_now);
        INSERT INTO due_work VALUES (p_tenant, 'calendar', p_appointment, p_settle_at);
    END IF;
    IF p_notice IS NOT NULL THEN
        INSERT INTO notices VALUES (p_tenant, p_notice, p_appointment,
            'appointment.created', p_tells_customer, p_key_version, p_notice_sealed,
            p_now);
        INSERT INTO due_work VALUES (p_tenant, 'notice', p_notice, p_settle_at);
    END IF;
    IF p_remind_at IS NOT NULL THEN
        INSERT INTO due_work VALUES (p_tenant, 'reminder', p_appointment, p_remind_at);
    END IF;
    RETURN 'booked';
END $$;
