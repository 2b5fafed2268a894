-- What reading calendars needs: how each connection is used, how far each calendar is
-- read, the mirror of what takes time there, channels that tell of changes, and
-- accounts that are being connected. The rules of 0001_foundation.sql hold here too.

-- direction: whether events are read, appointments written, or both.
-- is_closed_when_silent: past the mirror's greatest age nothing is bookable.
-- checks_live: a booking asks the provider before it is confirmed.
-- failing_since: of the present outage; NULL while all is well.
-- renewing_until: somebody renews its tokens; until then nobody else does.
ALTER TABLE connections
    ADD direction text NOT NULL DEFAULT 'bidirectional'
        CHECK (direction IN ('bidirectional', 'from_provider', 'to_provider')),
    ADD is_closed_when_silent boolean NOT NULL DEFAULT false,
    ADD tentative_blocks boolean NOT NULL DEFAULT true,
    ADD checks_live boolean NOT NULL DEFAULT false,
    ADD failing_since timestamptz,
    ADD renewing_until timestamptz;

-- is_read: what takes time there takes it here.
-- read_at: when the last good sync began; NULL: never read whole.
-- window_ends_at: how far the mirror reaches.
-- wanted_at: when somebody last said that it should be read.
-- may_be_empty: its owner said so; else a calendar that suddenly is stops its sync.
-- leased_until: somebody reads it; only who took this very lease may write.
ALTER TABLE calendars
    ADD is_read boolean NOT NULL DEFAULT false,
    ADD read_at timestamptz,
    ADD window_ends_at timestamptz,
    ADD wanted_at timestamptz,
    ADD is_full_wanted boolean NOT NULL DEFAULT false,
    ADD may_be_empty boolean NOT NULL DEFAULT false,
    ADD sync_attempts integer NOT NULL DEFAULT 0,
    ADD sync_error text,  -- a class of error, never a provider's text
    ADD leased_until timestamptz;

-- Where the next sync of a calendar begins; none: it reads everything.
CREATE TABLE sync_tokens (
    tenant_id uuid,
    calendar_id uuid,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

-- What takes time in a calendar, one row for each occurrence: no title, no attendee,
-- and never an event of our own. kind: a place in core.busy.KINDS.
CREATE TABLE mirrored_times (
    tenant_id uuid,
    calendar_id uuid,
    event_id text,
    starts_at timestamptz,
    ends_at timestamptz NOT NULL,
    kind smallint NOT NULL,
    PRIMARY KEY (tenant_id, calendar_id, event_id, starts_at),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE,
    CHECK (starts_at < ends_at)
);

CREATE INDEX mirrored_times_by_end ON mirrored_times (tenant_id, calendar_id, ends_at)
    INCLUDE (starts_at, kind);

-- A channel by which a provider tells of changes. sealed: its secret and its id there.
-- expires_at NULL: it is being opened.
CREATE TABLE push_channels (
    tenant_id uuid,
    channel_id uuid,
    calendar_id uuid NOT NULL,
    expires_at timestamptz,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, channel_id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

CREATE INDEX push_channels_by_calendar ON push_channels (tenant_id, calendar_id);

-- Syncs that somebody asked for. provider NULL: all. errors: classes, no texts.
CREATE TABLE syncs (
    tenant_id uuid REFERENCES tenants,
    sync_id uuid,
    provider text,
    is_full boolean NOT NULL,
    requested_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    events_processed integer NOT NULL DEFAULT 0,
    events_created integer NOT NULL DEFAULT 0,
    events_updated integer NOT NULL DEFAULT 0,
    events_deleted integer NOT NULL DEFAULT 0,
    errors text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, sync_id)
);

CREATE TABLE sync_calendars (
    tenant_id uuid,
    sync_id uuid,
    calendar_id uuid,
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, sync_id, calendar_id),
    FOREIGN KEY (tenant_id, sync_id) REFERENCES syncs ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars ON DELETE CASCADE
);

CREATE INDEX sync_calendars_by_calendar ON sync_calendars (tenant_id, calendar_id)
    WHERE NOT is_done;

-- An account on its way: who may finish connecting it, and until when.
-- secret_hash: of the state that the provider brings back. sealed: the PKCE verifier,
-- and once the account is known, what opens it.
CREATE TABLE pending_connections (
    tenant_id uuid REFERENCES tenants,
    pending_id uuid,
    secret_hash bytea NOT NULL,
    provider text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    agent_id uuid,
    timezone text,
    expires_at timestamptz NOT NULL,
    key_version integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, pending_id)
);

-- Global look-ups: a provider and a caller name these ids and no tenant.
CREATE TABLE push_channel_directory (
    channel_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL
);

CREATE TABLE sync_directory (
    sync_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sync_tokens', 'mirrored_times', 'push_channels',
        'syncs', 'sync_calendars', 'pending_connections']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (tenant_id = '
            'nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', name);
    END LOOP;
END $$;
