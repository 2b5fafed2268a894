-- What the writers of calendars need: leases, and ways from a connection to its links.
-- Statements lock in this order: links, connections, due_work.

-- leased_until: somebody is writing the event; until then nobody else may, and only who
-- took this very lease may write the outcome down.
-- is_begun: a write under this generation's key may have reached the provider. Where
-- event_id is NULL its answer was lost, and the event must be found before it is deleted.
-- next_try_at: NULL: at once.
ALTER TABLE links
    ADD leased_until timestamptz,
    ADD is_begun boolean NOT NULL DEFAULT false,
    ADD next_try_at timestamptz;

CREATE INDEX links_by_calendar ON links (tenant_id, calendar_id);
CREATE INDEX calendars_by_connection ON calendars (tenant_id, connection_id);
CREATE INDEX write_calendars_by_calendar ON write_calendars (tenant_id, calendar_id);
