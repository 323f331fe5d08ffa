-- Reserves everything that is asked for, or nothing; by the server's time. What is granted is as policy/counters.py says.
-- KEYS: a counter for each ask, three keys for a period. ARGV: the holder, the length of a lease in ms, then five for
-- each ask:
--   'b', amount, limit, ms of one unit, ''            a bucket: a hash of what it owed, when, and what a ms pays back
--   's', '1', limit, '', ''                           slots: a sorted set of holders by the end of their leases
--   'p', amount, limit or '', least or '', likely or ''
-- Answers: whether it is granted, the time in ms, and what was there before (false: that period is not known).

local holder, lease = ARGV[1], tonumber(ARGV[2])

local granted, seen, grants, places = true, {}, {}, {}
local asks, place = (#ARGV - 2) / 5, 1
for i = 1, asks do
    local at = 3 + (i - 1) * 5
    local kind, amount, limit, detail = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local key = KEYS[place]
    places[i] = place
    place = place + (kind == 'p' and 3 or 1)
    if kind == 'b' then
        local was = redis.call('HMGET', key, 'owed', 'at', 'cap')
        local owed = 0
        if was[1] then owed = math.max(0, was[1] - was[3] * math.max(0, now - was[2])) end
        seen[i] = string.format('%.0f', owed)
        grants[i] = owed + amount * detail
        granted = granted and tonumber(limit) > 0 and grants[i] <= limit * detail
    elseif kind == 's' then
        redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
        local others = redis.call('ZCARD', key)
        if redis.call('ZSCORE', key, holder) then others = others - 1 end
        seen[i] = string.format('%.0f', others)
        granted = granted and others < tonumber(limit)
    else
        run_out(key, KEYS[places[i] + 1], KEYS[places[i] + 2], holder)
        local used = redis.call('GET', key)
        seen[i] = used
        grants[i] = amount
        if not used then
            granted = false
        elseif limit ~= '' then
            local high, low = less(limit, used)
            local least = amount
            if detail ~= '' and at_most(detail, parts(amount)) then least = detail end
            granted = granted and at_most(least, high, low)
            if granted and not at_most(amount, high, low) then grants[i] = whole(high, low) end
        end
    end
end

if granted then
    for i = 1, asks do
        local at, key = 3 + (i - 1) * 5, KEYS[places[i]]
        local kind, limit, likely = ARGV[at], ARGV[at + 2], ARGV[at + 4]
        if kind == 'b' then
            local before = tonumber(redis.call('HGET', key, 'at') or 0)
            local owed = math.max(0, grants[i])
            redis.call('HSET', key, 'owed', string.format('%.0f', owed), 'cap', limit,
                'at', string.format('%.0f', math.max(before, now)))
            redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(owed / limit) + 1000))
        elseif kind == 's' then
            redis.call('ZADD', key, string.format('%.0f', now + lease), holder)
            redis.call('PEXPIRE', key, string.format('%.0f', lease + 1000))
        elseif grants[i] ~= '0' then
            redis.call('INCRBY', key, grants[i])
            if likely ~= '' and not at_most(grants[i], parts(likely)) then
                lend(key, KEYS[places[i] + 1], KEYS[places[i] + 2], lease, holder, whole(less(grants[i], likely)))
            end
        end
    end
end
return {granted and 1 or 0, string.format('%.0f', now), seen}
