-- What the scripts share: the server's time, whole numbers of money, and leases of spends. It stands before each script.
-- A period has three keys: a number that ends by itself, a sorted set of holders by the end of their leases in ms, and
-- a hash of what each lease holds. The two are there as long as the number; without it, for a lease.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

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

-- What is used of a period changes by these numbers; where it is not counted, nothing does.
local function spend(period, ...)
    if redis.call('EXISTS', period) == 0 then return end
    local used
    for _, by in ipairs({...}) do used = redis.call('INCRBY', period, by) end
    if used and used < 0 then redis.call('SET', period, '0', 'KEEPTTL') end
end

-- The keys of leases end with their period.
local function keep(period, ends, held, lease)
    local ttl = redis.call('PTTL', period)
    if ttl < 0 then ttl = lease + 1000 end
    redis.call('PEXPIRE', ends, string.format('%.0f', ttl))
    redis.call('PEXPIRE', held, string.format('%.0f', ttl))
end

local function lend(period, ends, held, lease, holder, amount)
    redis.call('ZADD', ends, string.format('%.0f', now + lease), holder)
    redis.call('HINCRBY', held, holder, amount)
    keep(period, ends, held, lease)
end

-- Give back what leases held that nobody renewed; but for the holder, who lives.
local function run_out(period, ends, held, holder)
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do
        if other ~= holder then
            local amount = redis.call('HGET', held, other)
            if amount then spend(period, '-' .. amount) end
            redis.call('ZREM', ends, other)
            redis.call('HDEL', held, other)
        end
    end
end

-- End so much of a lease; what of it was not there.
local function ended(ends, held, holder, amount)
    if amount == '0' then return '0' end
    local there = redis.call('HGET', held, holder) or '0'
    if amount ~= there and at_most(amount, parts(there)) then
        redis.call('HINCRBY', held, holder, '-' .. amount)
        return '0'
    end
    redis.call('ZREM', ends, holder)
    redis.call('HDEL', held, holder)
    return whole(less(amount, there))
end

-- Renew a lease; true: it was gone, and had to be made anew.
local function renewed(period, ends, held, lease, holder, amount)
    if redis.call('HEXISTS', held, holder) == 1 then
        redis.call('ZADD', ends, string.format('%.0f', now + lease), holder)
        keep(period, ends, held, lease)
        return false
    end
    if amount ~= '0' then
        lend(period, ends, held, lease, holder, amount)
        spend(period, amount)
    end
    return true
end
