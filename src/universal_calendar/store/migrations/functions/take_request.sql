-- Take one request from a bucket (generic cell rate algorithm). Returns the seconds
-- until the bucket is empty again, or NULL if it is full and nothing was taken.
CREATE FUNCTION take_request(
    p_bucket bytea, p_now timestamptz, p_cost interval, p_window interval
) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    v_empty_at timestamptz;
BEGIN
    INSERT INTO rate_limits AS r (bucket, empty_at) VALUES (p_bucket, p_now + p_cost)
    ON CONFLICT (bucket) DO UPDATE SET empty_at = greatest(r.empty_at, p_now) + p_cost
        WHERE greatest(r.empty_at, p_now) + p_cost <= p_now + p_window
    RETURNING empty_at INTO v_empty_at;
    RETURN date_part('epoch', v_empty_at - p_now);
END $$;
