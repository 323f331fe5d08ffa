-- Counters in PostgreSQL: two tables that a crash may empty (they are rebuilt), and what is done to them in one call.
-- Rows are locked in the order of their names, so that no two calls wait for each other; time is the server's.
-- What of asks is granted is as policy/counters.py says. A change here gets new names: servers of the version before
-- may be running.

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

CREATE FUNCTION glmgate_owed_1(n bigint, cap bigint, ms bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    -- Divided first: the product of an old debt does not fit.
    SELECT CASE WHEN ms <= 0 OR cap <= 0 THEN n WHEN ms > n / cap THEN 0 ELSE n - cap * ms END
$$;

-- The row of each name, made where it is missing, and locked. False: a period is not known.
CREATE FUNCTION glmgate_lock_1(names text[], kinds text[]) RETURNS boolean LANGUAGE plpgsql AS $$
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

-- What was there before, for each ask (NULL: that period is not known), and whether all of them are granted.
CREATE FUNCTION glmgate_take_1(
    the_holder text, names text[], kinds text[], amounts bigint[], limits bigint[], details bigint[],
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
    IF NOT glmgate_lock_1(names, kinds) THEN
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
        SELECT * INTO c FROM glmgate_counters k WHERE k.name = names[i];
        IF kinds[i] = 'b' THEN  -- details: the milliseconds of one unit
            seen[i] := glmgate_owed_1(c.n, c.cap, now_ms - c.at_ms);
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
            UPDATE glmgate_counters k SET n = greatest(0, k.n + grants[i]) WHERE k.name = names[i];
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION glmgate_settle_1(
    the_holder text, names text[], kinds text[], changes bigint[], limits bigint[], details bigint[], slots text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i int;
    now_ms bigint;
BEGIN
    DELETE FROM glmgate_leases l WHERE l.name = ANY (slots) AND l.holder = the_holder;
    FOR i IN SELECT k FROM generate_subscripts(names, 1) k ORDER BY names[k] COLLATE "C" LOOP
        IF kinds[i] = 'p' THEN
            UPDATE glmgate_counters k SET n = greatest(0, k.n + changes[i]) WHERE k.name = names[i];
        ELSE
            PERFORM glmgate_lock_1(ARRAY[names[i]], ARRAY[kinds[i]]);
            now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
            UPDATE glmgate_counters k SET
                n = greatest(0, glmgate_owed_1(k.n, k.cap, now_ms - k.at_ms) + changes[i] * details[i]),
                at_ms = greatest(k.at_ms, now_ms), cap = limits[i] WHERE k.name = names[i];
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION glmgate_renew_1(names text[], holders text[], lease_s double precision) RETURNS void
LANGUAGE sql AS $$
    UPDATE glmgate_leases l SET until = extract(epoch FROM clock_timestamp()) + lease_s
        FROM unnest(names, holders) AS held(name, holder)
        WHERE l.name = held.name AND l.holder = held.holder AND l.until > extract(epoch FROM clock_timestamp())
$$;

CREATE FUNCTION glmgate_load_1(names text[], used bigint[], untils double precision[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO glmgate_counters SELECT p.name, 'p', p.used, 0, 0, p.until
        FROM unnest(names, used, untils) AS p(name, used, until) ORDER BY p.name COLLATE "C" ON CONFLICT DO NOTHING
$$;

-- Forget what says nothing any more; what others are using is left to the next time.
CREATE FUNCTION glmgate_sweep_1() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_s double precision := extract(epoch FROM clock_timestamp());
BEGIN
    DELETE FROM glmgate_leases WHERE ctid = ANY (ARRAY(
        SELECT l.ctid FROM glmgate_leases l WHERE l.until <= now_s FOR UPDATE SKIP LOCKED));
    DELETE FROM glmgate_counters WHERE ctid = ANY (ARRAY(
        SELECT c.ctid FROM glmgate_counters c WHERE
            (c.kind = 'b' AND glmgate_owed_1(c.n, c.cap, floor(now_s * 1000)::bigint - c.at_ms) = 0)
            OR (c.kind = 'p' AND c.until <= now_s)
            OR (c.kind = 's' AND NOT EXISTS (SELECT FROM glmgate_leases l WHERE l.name = c.name))
        FOR UPDATE SKIP LOCKED));
END
$$;
