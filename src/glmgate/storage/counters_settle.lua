-- Gives back, or takes more than was reserved, ends leases and frees slots; by the server's time. Never refused.
-- KEYS: a counter for each change, three keys for a period. ARGV: the holder, then five for each change:
--   'b', by, limit, ms of one unit, ''; 's', '', '', '', ''; 'p', by, '', '', held      as counters_take.lua has them

local holder, place = ARGV[1], 1

for i = 1, (#ARGV - 1) / 5 do
    local at, key = 2 + (i - 1) * 5, KEYS[place]
    local kind, by, limit, detail, held = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    if kind == 'b' then
        local was = redis.call('HMGET', key, 'owed', 'at', 'cap')
        local owed = 0
        if was[1] then owed = math.max(0, was[1] - was[3] * math.max(0, now - was[2])) end
        owed = math.max(0, owed + by * detail)
        redis.call('HSET', key, 'owed', string.format('%.0f', owed), 'cap', limit,
            'at', string.format('%.0f', math.max(tonumber(was[2] or 0), now)))
        redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(owed / math.max(1, limit)) + 1000))
    elseif kind == 's' then
        redis.call('ZREM', key, holder)
    else
        spend(key, by, ended(KEYS[place + 1], KEYS[place + 2], holder, held))
    end
    place = place + (kind == 'p' and 3 or 1)
end
