-- Gives back, or takes more than was reserved, and frees slots; by the server's time. Never refused.
-- KEYS: a counter for each change. ARGV: the holder, then four for each change:
--   'b', by, limit, ms of one unit; 's', '', '', ''; 'p', by, '', ''       as counters_take.lua has them

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for i, key in ipairs(KEYS) do
    local at = 2 + (i - 1) * 4
    local kind, by, limit, detail = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    if kind == 'b' then
        local was = redis.call('HMGET', key, 'owed', 'at', 'cap')
        local owed = 0
        if was[1] then owed = math.max(0, was[1] - was[3] * math.max(0, now - was[2])) end
        owed = math.max(0, owed + by * detail)
        redis.call('HSET', key, 'owed', string.format('%.0f', owed), 'cap', limit,
            'at', string.format('%.0f', math.max(tonumber(was[2] or 0), now)))
        redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(owed / math.max(1, limit)) + 1000))
    elseif kind == 's' then
        redis.call('ZREM', key, ARGV[1])
    elseif redis.call('EXISTS', key) == 1 and redis.call('INCRBY', key, by) < 0 then
        redis.call('SET', key, '0', 'KEEPTTL')
    end
end
