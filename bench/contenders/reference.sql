-- The agent guide's tables and functions, as a good hand would write them.

CREATE TABLE business_hours (
    agent_id uuid PRIMARY KEY,
    working_hours jsonb NOT NULL,
    overrides jsonb NOT NULL DEFAULT '{}',
    default_appointment_duration integer NOT NULL DEFAULT 45,
    buffer_time_minutes integer NOT NULL DEFAULT 0,
    min_advance_booking_hours integer NOT NULL DEFAULT 2,
    max_advance_booking_days integer NOT NULL DEFAULT 90,
    timezone varchar(100) NOT NULL DEFAULT 'UTC'
);

CREATE TABLE calendar_events (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    agent_id uuid NOT NULL,
    title text,
    description text,
    event_type varchar(50),
    event_date date NOT NULL,
    event_time time NOT NULL,
    duration_minutes integer NOT NULL,
    participant_name varchar(255),
    participant_email varchar(255),
    participant_phone varchar(50),
    status varchar(50) NOT NULL DEFAULT 'confirmed',
    created_via varchar(50) DEFAULT 'api',
    metadata jsonb DEFAULT '{}'
);

-- Answers the overlap check from the index alone.
CREATE INDEX calendar_events_by_day ON calendar_events (agent_id, event_date)
    INCLUDE (event_time, duration_minutes) WHERE status <> 'cancelled';

CREATE FUNCTION get_available_slots(
    p_agent_id uuid, p_date date, p_slot_duration integer
) RETURNS TABLE (start_time text, end_time text, is_available boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_hours jsonb;
    v_buffer interval;
    v_slot interval := make_interval(mins => p_slot_duration);
BEGIN
    SELECT coalesce(h.overrides -> p_date::text,
            h.working_hours -> to_char(p_date, 'fmday')),
            make_interval(mins => h.buffer_time_minutes)
        INTO v_hours, v_buffer
        FROM business_hours h WHERE h.agent_id = p_agent_id;
    RETURN QUERY
    SELECT to_char(s.starts_at, 'HH24:MI'), to_char(s.starts_at + v_slot, 'HH24:MI'),
            NOT EXISTS (
                SELECT FROM calendar_events e
                WHERE e.agent_id = p_agent_id AND e.event_date = p_date
                    AND e.status <> 'cancelled'
                    AND e.event_date + e.event_time < s.starts_at + v_slot + v_buffer
                    AND e.event_date + e.event_time
                        + make_interval(mins => e.duration_minutes)
                        > s.starts_at - v_buffer
            )
        FROM jsonb_array_elements(v_hours) o,
            generate_series(p_date + (o ->> 'start')::time,
                p_date + (o ->> 'end')::time - v_slot, v_slot) s(starts_at);
END $$;

CREATE FUNCTION check_time_slot_available(
    p_agent_id uuid, p_date date, p_time time, p_duration integer
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_hours jsonb;
    v_buffer interval;
    v_start timestamp := p_date + p_time;
    v_end timestamp := v_start + make_interval(mins => p_duration);
BEGIN
    SELECT coalesce(h.overrides -> p_date::text,
            h.working_hours -> to_char(p_date, 'fmday')),
            make_interval(mins => h.buffer_time_minutes)
        INTO v_hours, v_buffer
        FROM business_hours h WHERE h.agent_id = p_agent_id;
    RETURN EXISTS (
            SELECT FROM jsonb_array_elements(v_hours) o
            WHERE v_start >= p_date + (o ->> 'start')::time
                AND v_end <= p_date + (o ->> 'end')::time
        ) AND NOT EXISTS (
            SELECT FROM calendar_events e
            WHERE e.agent_id = p_agent_id AND e.event_date = p_date
                AND e.status <> 'cancelled'
                AND e.event_date + e.event_time < v_end + v_buffer
                AND e.event_date + e.event_time
                    + make_interval(mins => e.duration_minutes) > v_start - v_buffer
        );
END $$;
