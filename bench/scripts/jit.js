// What a just-in-time compiler is good at: numbers, objects, strings, closures. Prints sums that must be the same everywhere.
const scale = Number(process.argv[2] ?? process.argv[1]);

function sieve(n) {
  const composite = new Uint8Array(n + 1);
  let count = 0;
  for (let i = 2; i <= n; i++) {
    if (composite[i]) continue;
    count++;
    for (let j = i * i; j <= n; j += i) composite[j] = 1;
  }
  return count;
}

function orbits(steps) {
  const bodies = [1, 2, 3, 4, 5].map((i) => ({
    x: i,
    y: (i * i) % 7,
    z: 5 - i,
    vx: 0,
    vy: i / 10,
    vz: 0,
    mass: 1 / i,
  }));
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < bodies.length; i++) {
      const a = bodies[i];
      for (let j = i + 1; j < bodies.length; j++) {
        const b = bodies[j];
        const [dx, dy, dz] = [a.x - b.x, a.y - b.y, a.z - b.z];
        const d2 = dx * dx + dy * dy + dz * dz + 0.01;
        const pull = 0.001 / (d2 * Math.sqrt(d2));
        a.vx -= dx * b.mass * pull;
        a.vy -= dy * b.mass * pull;
        a.vz -= dz * b.mass * pull;
        b.vx += dx * a.mass * pull;
        b.vy += dy * a.mass * pull;
        b.vz += dz * a.mass * pull;
      }
    }
    for (const a of bodies) {
      a.x += 0.001 * a.vx;
      a.y += 0.001 * a.vy;
      a.z += 0.001 * a.vz;
    }
  }
  return bodies.reduce((sum, { x, y, z }) => sum + x + y * 3 + z * 7, 0).toFixed(6);
}

function words(n) {
  const counts = new Map();
  let state = 1;
  for (let i = 0; i < n; i++) {
    state = (state * 75) % 65537;
    const word = `w${state % 997}`;
    counts.set(word, (counts.get(word) ?? 0) + word.length);
  }
  let sum = 0;
  for (const [word, count] of counts) sum = (sum + count * word.charCodeAt(word.length - 1)) % 1000003;
  return sum;
}

const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));

console.log(sieve(200_000 * scale), orbits(4_000 * scale), words(30_000 * scale), fib(18 + scale));
