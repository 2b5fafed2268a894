-- Schedules are read whole now and then, and what webhooks name by itself in between.

-- Of schedules. whole_due_at: when it is to be read whole again, hinted_at: when a
-- webhook last said that anything may have changed; until rests_until that waits.
ALTER TABLE calendars ADD whole_due_at timestamptz, ADD rests_until timestamptz,
    ADD hinted_at timestamptz;

-- What webhooks named, by the platform's ids of visits or jobs. times counts how often:
-- what is named while it is read is read again.
CREATE TABLE named_visits (
    tenant_id uuid,
    calendar_id uuid,
    name text,
    times integer NOT NULL DEFAULT 1,
    named_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id, name),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

-- Whole readings that ran out of time: the page that comes next, NULL for the first one
-- again, and what was read. spent: for how long it was read, pauses left out.
-- events: JSON, as times and ids in mirrored_times; nobody is named in it.
CREATE TABLE half_readings (
    tenant_id uuid,
    calendar_id uuid,
    began_at timestamptz NOT NULL,
    window_starts_at timestamptz NOT NULL,
    window_ends_at timestamptz NOT NULL,
    page_token text,
    spent interval NOT NULL,
    events bytea NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['named_visits', 'half_readings']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;
