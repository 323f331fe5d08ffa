-- Renews slots and leases of spends; by the server's time.
-- KEYS: those of the slots, then three for each lease. ARGV: the length of a lease in ms, how many slots, their holders,
-- then a holder and an amount for each lease. Answers the places of the leases that were gone, and were made anew.

local lease, slots = tonumber(ARGV[1]), tonumber(ARGV[2])
local anew = {}

for i = 1, slots do
    local key = KEYS[i]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if redis.call('ZADD', key, 'XX', 'CH', string.format('%.0f', now + lease), ARGV[2 + i]) == 1 then
        redis.call('PEXPIRE', key, string.format('%.0f', lease + 1000))
    end
end

for i = 1, (#ARGV - 2 - slots) / 2 do
    local key, at = slots + 3 * i - 2, 2 + slots + 2 * i - 1
    if renewed(KEYS[key], KEYS[key + 1], KEYS[key + 2], lease, ARGV[at], ARGV[at + 1]) then anew[#anew + 1] = i end
end
return anew
