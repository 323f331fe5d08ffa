-- Begins periods with what was used and what leases hold of them, then renews leases; by the server's time.
-- KEYS: three for each period, then three for each lease. ARGV: the length of a lease in ms, how many periods, what was
-- used and the end in ms of each, then a holder and an amount for each lease. Answers as counters_renew.lua.

local lease, periods = tonumber(ARGV[1]), tonumber(ARGV[2])
local anew = {}

for i = 1, periods do
    local period, ends, held = KEYS[3 * i - 2], KEYS[3 * i - 1], KEYS[3 * i]
    if redis.call('SET', period, ARGV[2 * i + 1], 'NX', 'PXAT', ARGV[2 * i + 2]) then
        local leases = redis.call('HVALS', held)
        for _, amount in ipairs(leases) do spend(period, amount) end
        if #leases > 0 then keep(period, ends, held, lease) end
    end
end

for i = 1, (#ARGV - 2 - 2 * periods) / 2 do
    local key, at = 3 * (periods + i) - 2, 2 + 2 * periods + 2 * i - 1
    if renewed(KEYS[key], KEYS[key + 1], KEYS[key + 2], lease, ARGV[at], ARGV[at + 1]) then anew[#anew + 1] = i end
end
return anew
