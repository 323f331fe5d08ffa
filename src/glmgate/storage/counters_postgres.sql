-- Counters in PostgreSQL: three tables that a crash may empty (they are rebuilt), and what is done to them in one call.
-- Rows are locked in the order of their names, so that no two calls wait for each other; time is the server's.
-- What of asks is granted is as policy/counters.py says. A change here gets new names: servers of the version before
-- may be running. (Functions named _1 made no leases of spends.)

CREATE UNLOGGED TABLE IF NOT EXISTS glmgate_counters (
    name text PRIMARY KEY,
    kind text NOT NULL,        -- b: a bucket's debt, s: slots, p: a period
    n bigint NOT NULL,           -- what a bucket owes, what is used of a period
    at_ms bigint NOT NULL,       -- when a bucket owed that
    cap bigint NOT NULL,         -- what a bucket pays back each millisecond
    until double precision       -- when a period ends
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE IF NOT EXISTS glmgate_leases (
    name text NOT NULL,
    holder text NOT NULL,
    until double precision NOT NULL,
    PRIMARY KEY (name, holder)
) WITH (fillfactor = 50);

-- Leases of spends. Who changes them has locked the row of their period, or, where there is none, what load locks.
CREATE UNLOGGED TABLE IF NOT EXISTS glmgate_spend_leases (
    name text NOT NULL,
    holder text NOT NULL,
    amount bigint NOT NULL,
    until double precision NOT NULL,
    PRIMARY KEY (name, holder)
) WITH (fillfactor = 50);

CREATE OR REPLACE FUNCTION glmgate_owed_2(n bigint, cap bigint, ms bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    -- Divided first: the product of an old debt does not fit.
    SELECT CASE WHEN ms <= 0 OR cap <= 0 THEN n WHEN ms > n / cap THEN 0 ELSE n - cap * ms END
$$;

-- The row of each name, made where it is missing, and locked. False: a period is not known.
CREATE OR REPLACE FUNCTION glmgate_lock_2(names text[], kinds text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    i int;
BEGIN
    FOR i IN SELECT k FROM generate_subscripts(names, 1) k ORDER BY names[k] COLLATE "C" LOOP
        LOOP
            PERFORM FROM glmgate_counters c WHERE c.name = names[i] FOR UPDATE;
            EXIT WHEN FOUND;
            IF kinds[i] = 'p' THEN
                RETURN false;
            END IF;
            INSERT INTO glmgate_counters VALUES (names[i], kinds[i], 0, 0, 0) ON CONFLICT DO NOTHING;
        END LOOP;
    END LOOP;
    RETURN true;
END
$$;

-- What is used of a period changes by so much.
CREATE OR REPLACE FUNCTION glmgate_spend_2(the_name text, change bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE glmgate_counters k SET n = greatest(0, k.n + change) WHERE k.name = the_name AND change <> 0;
END
$$;

-- Give back what leases of a period held that nobody renewed; but for the holder, who lives. Its row is locked.
CREATE OR REPLACE FUNCTION glmgate_run_out_2(the_name text, the_holder text, now_s double precision) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    back bigint;
BEGIN
    WITH over AS (
        DELETE FROM glmgate_spend_leases l
            WHERE l.name = the_name AND l.until <= now_s AND l.holder <> the_holder RETURNING l.amount)
        SELECT sum(over.amount) INTO back FROM over;
    IF back > 0 THEN
        PERFORM glmgate_spend_2(the_name, -back);
    END IF;
END
$$;

-- End so much of a lease; what of it was not there. The row of its period is locked.
CREATE OR REPLACE FUNCTION glmgate_ended_2(the_name text, the_holder text, held bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    there bigint;
BEGIN
    IF held = 0 THEN
        RETURN 0;
    END IF;
    UPDATE glmgate_spend_leases l SET amount = l.amount - held
        WHERE l.name = the_name AND l.holder = the_holder AND l.amount > held;
    IF FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM glmgate_spend_leases l WHERE l.name = the_name AND l.holder = the_holder RETURNING l.amount INTO there;
    RETURN held - coalesce(there, 0);
END
$$;

-- What was there before, for each ask (NULL: that period is not known), and whether all of them are granted.
CREATE OR REPLACE FUNCTION glmgate_take_2(
    the_holder text, names text[], kinds text[], amounts bigint[], limits bigint[], details bigint[], likely bigint[],
    lease_s double precision, OUT now_s double precision, OUT granted boolean, OUT seen bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    i int;
    now_ms bigint;
    c glmgate_counters;
    grants bigint[];
    least_of bigint;
BEGIN
    granted := false;
    IF NOT glmgate_lock_2(names, kinds) THEN
        seen := ARRAY(
            SELECT CASE WHEN kinds[j] <> 'p' OR EXISTS (SELECT FROM glmgate_counters k WHERE k.name = names[j]) THEN 0 END
            FROM generate_subscripts(names, 1) j ORDER BY j);
        now_s := extract(epoch FROM clock_timestamp());
        RETURN;
    END IF;
    now_s := extract(epoch FROM clock_timestamp());
    now_ms := floor(now_s * 1000);
    granted := true;
    FOR i IN 1 .. coalesce(cardinality(names), 0) LOOP
        IF kinds[i] = 'p' THEN
            PERFORM glmgate_run_out_2(names[i], the_holder, now_s);
        END IF;
        SELECT * INTO c FROM glmgate_counters k WHERE k.name = names[i];
        IF kinds[i] = 'b' THEN  -- details: the milliseconds of one unit
            seen[i] := glmgate_owed_2(c.n, c.cap, now_ms - c.at_ms);
            grants[i] := amounts[i];
            granted := granted AND limits[i] > 0 AND seen[i] + amounts[i] * details[i] <= limits[i] * details[i];
        ELSIF kinds[i] = 's' THEN
            seen[i] := (SELECT count(*) FROM glmgate_leases l
                WHERE l.name = names[i] AND l.holder <> the_holder AND l.until > now_s);
            granted := granted AND seen[i] < limits[i];
        ELSE  -- details: the least that is enough
            seen[i] := c.n;
            least_of := least(coalesce(details[i], amounts[i]), amounts[i]);
            grants[i] := CASE WHEN limits[i] IS NULL THEN amounts[i] ELSE least(amounts[i], limits[i] - c.n) END;
            granted := granted AND (limits[i] IS NULL OR least_of <= limits[i] - c.n);
        END IF;
    END LOOP;
    IF NOT granted THEN
        RETURN;
    END IF;
    FOR i IN 1 .. coalesce(cardinality(names), 0) LOOP
        IF kinds[i] = 'b' THEN
            UPDATE glmgate_counters k SET n = greatest(0, seen[i] + grants[i] * details[i]),
                at_ms = greatest(k.at_ms, now_ms), cap = limits[i] WHERE k.name = names[i];
        ELSIF kinds[i] = 's' THEN
            INSERT INTO glmgate_leases VALUES (names[i], the_holder, now_s + lease_s)
                ON CONFLICT (name, holder) DO UPDATE SET until = excluded.until;
        ELSE
            PERFORM glmgate_spend_2(names[i], grants[i]);
            IF likely[i] < grants[i] THEN
                INSERT INTO glmgate_spend_leases AS l
                    VALUES (names[i], the_holder, grants[i] - likely[i], now_s + lease_s)
                    ON CONFLICT (name, holder)
                    DO UPDATE SET amount = l.amount + excluded.amount, until = excluded.until;
            END IF;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION glmgate_settle_2(
    the_holder text, names text[], kinds text[], changes bigint[], limits bigint[], details bigint[], held bigint[],
    slots text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i int;
    now_ms bigint;
BEGIN
    DELETE FROM glmgate_leases l WHERE l.name = ANY (slots) AND l.holder = the_holder;
    FOR i IN SELECT k FROM generate_subscripts(names, 1) k ORDER BY names[k] COLLATE "C" LOOP
        IF kinds[i] = 'p' THEN
            PERFORM FROM glmgate_counters k WHERE k.name = names[i] FOR UPDATE;
            PERFORM glmgate_spend_2(names[i], changes[i] + glmgate_ended_2(names[i], the_holder, held[i]));
        ELSE
            PERFORM glmgate_lock_2(ARRAY[names[i]], ARRAY[kinds[i]]);
            now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
            UPDATE glmgate_counters k SET
                n = greatest(0, glmgate_owed_2(k.n, k.cap, now_ms - k.at_ms) + changes[i] * details[i]),
                at_ms = greatest(k.at_ms, now_ms), cap = limits[i] WHERE k.name = names[i];
        END IF;
    END LOOP;
END
$$;

-- Renew leases of spends; the places of those that were gone, and had to be made anew.
CREATE OR REPLACE FUNCTION glmgate_lend_2(
    names text[], holders text[], amounts bigint[], lease_s double precision, OUT anew int[]
) LANGUAGE plpgsql AS $$
DECLARE
    i int;
    until_s double precision;
BEGIN
    anew := '{}';
    IF EXISTS (SELECT FROM unnest(names) x WHERE NOT EXISTS (SELECT FROM glmgate_counters c WHERE c.name = x)) THEN
        PERFORM pg_advisory_xact_lock(hashtext('glmgate_spend_leases'));
    END IF;
    FOR i IN SELECT k FROM generate_subscripts(names, 1) k ORDER BY names[k] COLLATE "C" LOOP
        PERFORM FROM glmgate_counters c WHERE c.name = names[i] FOR UPDATE;
        until_s := extract(epoch FROM clock_timestamp()) + lease_s;
        UPDATE glmgate_spend_leases l SET until = until_s WHERE l.name = names[i] AND l.holder = holders[i];
        IF NOT FOUND THEN
            anew := anew || i;
            IF amounts[i] > 0 THEN
                INSERT INTO glmgate_spend_leases VALUES (names[i], holders[i], amounts[i], until_s);
                PERFORM glmgate_spend_2(names[i], amounts[i]);
            END IF;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION glmgate_renew_2(
    slots text[], slot_holders text[], names text[], holders text[], amounts bigint[], lease_s double precision,
    OUT anew int[]
) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE glmgate_leases l SET until = extract(epoch FROM clock_timestamp()) + lease_s
        FROM unnest(slots, slot_holders) AS held(name, holder)
        WHERE l.name = held.name AND l.holder = held.holder AND l.until > extract(epoch FROM clock_timestamp());
    anew := glmgate_lend_2(names, holders, amounts, lease_s);
END
$$;

-- A period that begins has also what leases hold of it.
CREATE OR REPLACE FUNCTION glmgate_load_2(
    periods text[], used bigint[], untils double precision[], names text[], holders text[], amounts bigint[],
    lease_s double precision, OUT anew int[]
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('glmgate_spend_leases'));
    INSERT INTO glmgate_counters SELECT p.name, 'p', p.used + coalesce(
            (SELECT sum(l.amount) FROM glmgate_spend_leases l WHERE l.name = p.name), 0)::bigint, 0, 0, p.until
        FROM unnest(periods, used, untils) AS p(name, used, until) ORDER BY p.name COLLATE "C" ON CONFLICT DO NOTHING;
    anew := glmgate_lend_2(names, holders, amounts, lease_s);
END
$$;

-- Forget what says nothing any more; what others are using is left to the next time.
CREATE OR REPLACE FUNCTION glmgate_sweep_2() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_s double precision := extract(epoch FROM clock_timestamp());
    the_name text;
BEGIN
    DELETE FROM glmgate_leases WHERE ctid = ANY (ARRAY(
        SELECT l.ctid FROM glmgate_leases l WHERE l.until <= now_s FOR UPDATE SKIP LOCKED));
    DELETE FROM glmgate_counters WHERE ctid = ANY (ARRAY(
        SELECT c.ctid FROM glmgate_counters c WHERE
            (c.kind = 'b' AND glmgate_owed_2(c.n, c.cap, floor(now_s * 1000)::bigint - c.at_ms) = 0)
            OR (c.kind = 'p' AND c.until <= now_s)
            OR (c.kind = 's' AND NOT EXISTS (SELECT FROM glmgate_leases l WHERE l.name = c.name))
        FOR UPDATE SKIP LOCKED));
    FOR the_name IN SELECT DISTINCT l.name FROM glmgate_spend_leases l WHERE l.until <= now_s LOOP
        PERFORM FROM glmgate_counters c WHERE c.name = the_name FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM glmgate_run_out_2(the_name, '', now_s);
        END IF;
    END LOOP;
    IF pg_try_advisory_xact_lock(hashtext('glmgate_spend_leases')) THEN
        DELETE FROM glmgate_spend_leases WHERE ctid = ANY (ARRAY(
            SELECT l.ctid FROM glmgate_spend_leases l WHERE l.until <= now_s
                AND NOT EXISTS (SELECT FROM glmgate_counters c WHERE c.name = l.name)
            FOR UPDATE SKIP LOCKED));
    END IF;
END
$$;
