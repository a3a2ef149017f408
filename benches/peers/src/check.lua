-- The check as one Redis script: quantity, value and collar against the firm's limits, worst-case
-- position and gross value of the account, gross value of the firm; then the reserve. 0, or the code of
-- the refusal. ARGV: account, instrument, side (1 buys), price in cents, quantity in lots, order id.
local account, instrument, side = ARGV[1], ARGV[2], tonumber(ARGV[3])
local price, qty = tonumber(ARGV[4]), tonumber(ARGV[5])
local limits = redis.call('HMGET', 'limits', 'qty', 'value', 'collar', 'long', 'short', 'gross', 'firm')
local reference = tonumber(redis.call('HGET', 'reference', instrument))
if not reference then return 203 end
if qty > tonumber(limits[1]) then return 208 end
local value = price * qty
if value > tonumber(limits[2]) then return 210 end
if math.abs(price - reference) * 10000 > reference * tonumber(limits[3]) then return 207 end
local row = 'row:' .. account .. ':' .. instrument
local held = redis.call('HMGET', row, 'position', 'buy', 'sell')
local position = tonumber(held[1] or 0) or 0
local buy, sell = tonumber(held[2] or 0) or 0, tonumber(held[3] or 0) or 0
if side == 1 and position + buy + qty > tonumber(limits[4]) then return 214 end
if side ~= 1 and sell + qty - position > tonumber(limits[5]) then return 215 end
local gross = tonumber(redis.call('HGET', 'gross', account) or 0) or 0
if gross + value > tonumber(limits[6]) then return 218 end
local firm = tonumber(redis.call('GET', 'firm') or 0) or 0
if firm + value > tonumber(limits[7]) then return 218 end
redis.call('HINCRBY', row, side == 1 and 'buy' or 'sell', qty)
redis.call('HINCRBY', 'gross', account, value)
redis.call('INCRBY', 'firm', value)
redis.call('HSET', 'order:' .. ARGV[6], 'account', account, 'instrument', instrument, 'side', side,
    'value', value, 'leaves', qty)
return 0
