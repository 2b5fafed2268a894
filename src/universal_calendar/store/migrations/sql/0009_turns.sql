-- One at a time for each connection: who looks for a customer or a job at a platform,
-- and makes what is not there, is alone with the account meanwhile. The rules of
-- 0001_foundation.sql hold here too.

-- Whoever ends their turn deletes the row. ends_at: from then on it counts no more.
CREATE TABLE turns (
    tenant_id uuid,
    connection_id uuid,
    turn_id uuid NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, connection_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

ALTER TABLE turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE turns FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON turns
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
