-- etcd: what wrk asks of etcd's JSON gateway: puts or ranges of 16-byte keys, 64-byte values, random keys of 10000.
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(s)
   return ((s:gsub(".", function(c)
      local bits, byte = "", c:byte()
      for i = 8, 1, -1 do bits = bits .. (byte % 2 ^ i - byte % 2 ^ (i - 1) > 0 and "1" or "0") end
      return bits
   end) .. "0000"):gsub("%d%d%d?%d?%d?%d?", function(bits)
      if #bits < 6 then return "" end
      local n = 0
      for i = 1, 6 do n = n + (bits:sub(i, i) == "1" and 2 ^ (6 - i) or 0) end
      return alphabet:sub(n + 1, n + 1)
   end) .. ({ "", "==", "=" })[#s % 3 + 1])
end

local kind = os.getenv("WRK_KIND") or "put"
local value = base64(string.rep("v", 64))
local keys = {}
for i = 1, 10000 do keys[i] = base64(string.format("key%013d", i)) end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function request()
   local key = keys[math.random(10000)]
   if kind == "put" then
      return wrk.format(nil, "/v3/kv/put", nil, '{"key":"' .. key .. '","value":"' .. value .. '"}')
   end
   return wrk.format(nil, "/v3/kv/range", nil, '{"key":"' .. key .. '"}')
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format("result %.0f %.3f %.3f\n", summary.requests / (summary.duration / 1e6),
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
   if errors.status + errors.read + errors.write + errors.timeout + errors.connect > 0 then
      io.write("errors: status ", errors.status, " timeout ", errors.timeout, "\n")
   end
end
