-- What the mirror of calendars means for an agent's time.
--
-- A calendar counts for an agent if it is read, its connection reads, and that is the
-- agent's own or everybody's. Whoever changes that, or a mirrored time, counts a change
-- of those agents (agents.revision) in the same transaction, as for all else that
-- decides about their time. How well a connection is counts as no change: answers that
-- depend on it are kept for a minute at most (see core/silence.py).

CREATE INDEX calendars_read ON calendars (tenant_id) WHERE is_read;

-- What touches [from, to) ends after `from`, and at most 31 days after `to` or in here.
CREATE INDEX mirrored_times_long ON mirrored_times (tenant_id, calendar_id, ends_at)
    INCLUDE (starts_at, kind) WHERE ends_at - starts_at > interval '31 days';
