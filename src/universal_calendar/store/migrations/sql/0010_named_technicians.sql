-- Which of an agent's technicians a visit goes to, and which follow an agent's name.

-- technician: who was asked for, by the platform's id; NULL: any of the agent's.
-- technician_version: the version that asked. Until it is written nobody else will do;
-- from then on a visit stays with whichever of the agent's the platform gave it to.
ALTER TABLE links
    ADD technician text,
    ADD technician_version integer NOT NULL DEFAULT 0;

-- is_fallback: no agent had their name, and nobody has said as which agent they work.
ALTER TABLE technicians ADD is_fallback boolean NOT NULL DEFAULT false;
