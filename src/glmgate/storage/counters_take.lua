-- Reserves everything that is asked for, or nothing; by the server's time. What is granted is as policy/counters.py says.
-- KEYS: a counter for each ask. ARGV: the holder, the length of a lease in ms, then four for each ask:
--   'b', amount, limit, ms of one unit      a bucket: a hash of what it owed, when, and what a ms pays back
--   's', '1', limit, ''                     slots: a sorted set of holders by the end of their leases
--   'p', amount, limit or '', least or ''   a period: a number that ends by itself
-- Answers: whether it is granted, the time in ms, and what was there before (false: that period is not known).

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, lease = ARGV[1], tonumber(ARGV[2])

-- Numbers of Lua are exact up to 2^53; money is compared in billions and the rest.
local function parts(text)
    if #text <= 9 then return 0, tonumber(text) end
    return tonumber(text:sub(1, -10)), tonumber(text:sub(-9))
end

local function less(text, other)
    local high, low = parts(text)
    local other_high, other_low = parts(other)
    low = low - other_low
    if low < 0 then return high - other_high - 1, low + 1e9 end
    return high - other_high, low
end

local function at_most(text, high, low)
    local its_high, its_low = parts(text)
    return its_high < high or (its_high == high and its_low <= low)
end

local function whole(high, low)
    if high == 0 then return string.format('%.0f', low) end
    return string.format('%.0f%09.0f', high, low)
end

local granted, seen, grants = true, {}, {}
for i, key in ipairs(KEYS) do
    local at = 3 + (i - 1) * 4
    local kind, amount, limit, detail = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
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
    for i, key in ipairs(KEYS) do
        local at = 3 + (i - 1) * 4
        local kind, limit = ARGV[at], ARGV[at + 2]
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
        end
    end
end
return {granted and 1 or 0, string.format('%.0f', now), seen}
