-- What a just-in-time compiler is good at: numbers, tables, strings, closures. Prints sums that must be the same everywhere.
local scale = tonumber(arg[1])

local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end

local function orbits(steps)
  local bodies = {}
  for i = 1, 5 do bodies[i] = { x = i, y = i * i % 7, z = 5 - i, vx = 0, vy = i / 10, vz = 0, mass = 1 / i } end
  for _ = 1, steps do
    for i = 1, #bodies do
      local a = bodies[i]
      for j = i + 1, #bodies do
        local b = bodies[j]
        local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
        local d2 = dx * dx + dy * dy + dz * dz + 0.01
        local pull = 0.001 / (d2 * math.sqrt(d2))
        a.vx, a.vy, a.vz = a.vx - dx * b.mass * pull, a.vy - dy * b.mass * pull, a.vz - dz * b.mass * pull
        b.vx, b.vy, b.vz = b.vx + dx * a.mass * pull, b.vy + dy * a.mass * pull, b.vz + dz * a.mass * pull
      end
    end
    for i = 1, #bodies do
      local a = bodies[i]
      a.x, a.y, a.z = a.x + 0.001 * a.vx, a.y + 0.001 * a.vy, a.z + 0.001 * a.vz
    end
  end
  local sum = 0
  for i = 1, #bodies do sum = sum + bodies[i].x + bodies[i].y * 3 + bodies[i].z * 7 end
  return string.format('%.6f', sum)
end

local function words(n)
  local counts, state = {}, 1
  for _ = 1, n do
    state = state * 75 % 65537
    local word = 'w' .. state % 997
    counts[word] = (counts[word] or 0) + #word
  end
  local sum = 0
  for word, count in pairs(counts) do sum = (sum + count * word:byte(-1)) % 1000003 end
  return sum
end

local function fib(n)
  return n < 2 and n or fib(n - 1) + fib(n - 2)
end

print(sieve(40000 * scale), orbits(4000 * scale), words(30000 * scale), fib(20 + scale))
