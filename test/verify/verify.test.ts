/** The lockstep of two CPUs: quiet when they agree, and it finds what one of them does wrong. */
import { afterEach, expect, test } from 'vitest';
import type { BackendFactory } from '../../emu/backend.ts';
import { ReferenceBackend } from '../../emu/evaluator/reference-backend.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { UnicornBackend } from '../../emu/unicorn/backend.ts';
import { VerifyBackend, VerifyMismatch } from '../../emu/verify/backend.ts';
import { CODE, DATA, Guest } from '../unicorn/harness.ts';

const reference: BackendFactory = (space, options) => new ReferenceBackend(space, options);
const interp: BackendFactory = (space, options) => new JitBackend(space, { ...options, interpret: true });
const jit: BackendFactory = (space, options) => new JitBackend(space, options);
const unicorn: BackendFactory = (space, options) => new UnicornBackend(space, options);

/** An interpreter with one operation changed. */
function wrong(change: (evaluator: ReferenceBackend['interpreter']['evaluator']) => void): BackendFactory {
  return (space, options) => {
    const backend = new ReferenceBackend(space, options);
    change(backend.interpreter.evaluator);
    return backend;
  };
}

const open: Guest[] = [];
function guest(source: string, first: BackendFactory, second: BackendFactory): Guest {
  const g = new Guest(source, (space, options) => new VerifyBackend(space, options, first, second));
  open.push(g);
  return g;
}
afterEach(() => {
  for (const g of open.splice(0)) g.close();
});

function mismatch(g: Guest): string {
  try {
    g.run();
  } catch (error) {
    if (error instanceof VerifyMismatch) return error.message;
    throw error;
  }
  throw new Error('the CPUs agree');
}

/** 200 products summed and stored, a system call, and once more. */
const LOOP = `
  mov r4, #2
0: mov r0, #200
1: mul r2, r0, r0
  add r3, r3, r2
  str r3, [r1, r0, lsl #2]
  subs r0, r0, #1
  bne 1b
  svc 7
  subs r4, r4, #1
  bne 0b
  svc 8`;

const PAIRS = [
  ['reference', 'unicorn', reference, unicorn],
  ['jit', 'unicorn', jit, unicorn],
  ['interp', 'reference', interp, reference],
  ['interp', 'unicorn', interp, unicorn],
  ['jit', 'reference', jit, reference],
  ['unicorn', 'reference', unicorn, reference],
  ['jit', 'interp', jit, interp],
] as const;

test.each(PAIRS)('%s and %s agree, and the kernel sees each event once', (_a, _b, first, second) => {
  const g = guest(LOOP, first, second);
  g.cpu.ru[1] = DATA;
  g.answer = (event) => event.imm !== 8;
  g.run();
  expect(g.events.filter((e) => e.kind !== 'preempt').map((e) => e.imm)).toEqual([7, 7, 8]);
  const sum = (200 * 201 * 401) / 6;
  expect(g.cpu.ru[3]).toBe(2 * sum);
  expect(g.space.view.getUint32(DATA + 4, true)).toBe(2 * sum);
});

test.each(PAIRS)('%s and %s: what the kernel writes and changes between slices', (_a, _b, first, second) => {
  const g = guest('ldr r0, [r1]\n svc 0\n ldr r2, [r1]\n str r2, [r3]\n svc 1', first, second);
  g.cpu.ru.set([0, DATA, 0, 0x40_0000]);
  g.answer = (event) => {
    if (event.kind === 'fault') {
      g.map(0x40_0000, 0x1000, READ | WRITE);
      return true;
    }
    g.space.check(DATA, 4, WRITE);
    g.space.view.setUint32(DATA, 55, true);
    return event.imm !== 1;
  };
  g.run();
  const events = g.events.filter((e) => e.kind !== 'preempt');
  expect(events.map((e) => e.kind)).toEqual(['syscall', 'fault', 'syscall']);
  expect(events[1]).toMatchObject({ address: 0x40_0000, access: WRITE, location: CODE + 12 });
  expect(g.space.view.getUint32(0x40_0000, true)).toBe(55);
});

/** CPUs that can be led to where another one has stopped. */
const LED = [
  ['unicorn', unicorn],
  ['reference', reference],
  ['interp', interp],
] as const;

/** Counts down from r0 in Thumb, with IT blocks of one, two and four instructions and a jump by a table. */
const THUMB = `
  .syntax unified
  ldr r0, =800000
  adr r4, 1f + 1
  bx r4
  .thumb
1: tst r0, #1
  ite ne
  addne r2, r2, r0
  eoreq r2, r2, r0, lsl #1
  tst r0, #6
  itttt eq
  addeq r3, #3
  streq r3, [r1]
  ldreq r5, [r1]
  addeq r2, r5
  and r6, r0, #3
  tbb [pc, r6]
  .byte 2, 3, 4, 2
2: adds r3, #1
3: adds r3, #5
4: subs r0, #1
  it ne
  bne 1b
  svc 0
  .ltorg`;

test.each(LED)('IT blocks and jumps, where the first CPU stops: jit and %s', (_, second) => {
  const g = guest(THUMB, jit, second);
  g.cpu.ru[1] = DATA;
  g.answer = (event) => event.kind === 'preempt';
  g.run();
  expect(g.events.at(-1)!.kind).toBe('syscall');
  expect(g.events.filter((e) => e.kind === 'preempt').length).toBeGreaterThan(1);
});

/** Steps a CPU to the first system call: where it was, and what it had, at each instruction. */
function steps(second: BackendFactory, source: string): string[] {
  const g = new Guest(source, second);
  open.push(g);
  g.cpu.ru[1] = DATA;
  const seen: string[] = [];
  while (g.events.length === 0 && seen.length < 300) {
    seen.push([g.cpu.location, ...g.cpu.r.subarray(0, 15), g.cpu.cpsr].join());
    g.backend.steps!.step(g.cpu);
  }
  return seen;
}

test('a step of the interpreter is one of the evaluator, or an IT block', () => {
  const source = THUMB.replace('800000', '12');
  const all = steps(reference, source);
  const outside = all.filter((state) => (Number(state.split(',').at(-1)) & 0x0600_fc00) === 0);
  expect(outside.length).toBeLessThan(all.length);
  expect(steps(interp, source)).toEqual(outside);
});

test('a wrong result is found at the instruction', () => {
  const broken = wrong((m) => {
    const mul = m.mul;
    m.mul = (a, b) => (a === 77 ? 5930 : mul.call(m, a, b)) | 0;
  });
  for (const second of [unicorn, reference, interp]) {
    const g = guest(LOOP, broken, second);
    g.cpu.ru[1] = DATA;
    const report = mismatch(g);
    expect(g.events).toEqual([]);
    expect(report).toMatch(/svc 7/);
    expect(report).toMatch(/r3 +reference 0028feed +\w+ 0028feec/);
    expect(report).toMatch(/They part after 123 taken branches/);
    const [, trace] = report.split('They part');
    expect(trace).toMatch(/mul r2, r0, r0 +r2=00001729\n/);
    expect(trace!.match(/mul/g)).toHaveLength(1);
  }
});

test('a wrong store is found, though no register shows it', () => {
  const broken = wrong((m) => {
    const store = m.store;
    m.store = (address, size, v) => store.call(m, address, size, address === DATA + 400 ? v ^ 0x100 : v);
  });
  const g = guest(LOOP, broken, unicorn);
  g.cpu.ru[1] = DATA;
  expect(mismatch(g)).toMatch(/\[00020190\] +reference [0-9a-f]{8} +unicorn [0-9a-f]{8}/);
});

test('a store too many is found, in a page the other never writes', () => {
  const broken = wrong((m) => {
    const store = m.store;
    m.store = (address, size, v) => {
      store.call(m, address, size, v);
      if (address === DATA + 400) store.call(m, DATA + 0x5000, 4, 1);
    };
  });
  const g = guest(LOOP, broken, unicorn);
  g.cpu.ru[1] = DATA;
  expect(mismatch(g)).toMatch(/\[00025000\] +reference 00000001 +unicorn 00000000/);
  const h = guest(LOOP, unicorn, broken);
  h.cpu.ru[1] = DATA;
  expect(mismatch(h)).toMatch(/\[00025000\] +unicorn 00000000 +reference 00000001/);
});

test('another event is found', () => {
  const broken = wrong((m) => {
    const load = m.load;
    m.load = (address, size) => load.call(m, address === DATA ? 0x50_0000 : address, size);
  });
  const g = guest('nop\n ldr r0, [r1]\n svc 3', broken, unicorn);
  g.cpu.ru[1] = DATA;
  const report = mismatch(g);
  expect(report).toMatch(/reference +comes to fault \(read of 00500000, unmapped\)/);
  expect(report).toMatch(/unicorn +comes to svc 3/);
});

test.each(LED)(
  'a long stretch without events is compared where the first CPU stops: %s',
  (_, second) => {
    const code = 'ldr r0, =700000\n 1: subs r0, r0, #1\n add r2, r2, r0\n bne 1b\n svc 0\n .ltorg';
    const g = guest(code, jit, second);
    g.answer = (event) => event.kind === 'preempt';
    g.run();
    expect(g.events.filter((e) => e.kind === 'preempt').length).toBeGreaterThan(1);
    const broken = wrong((m) => {
      const sub = m.sub;
      m.sub = (a, b) => (a === 699_000 ? sub.call(m, a, 2) : sub.call(m, a, b));
    });
    const h = guest(code, broken, second);
    expect(mismatch(h)).toMatch(/They part after 1000 taken/);
  },
  120_000,
);

test.each(LED)('yields are events of both: jit and %s', (_, second) => {
  const g = guest('mov r0, #1\n yield\n mov r0, #2\n svc 0', jit, second);
  g.answer = (event) => event.kind === 'preempt';
  g.run();
  expect(g.events.map((e) => [e.kind, e.location]).slice(0, 1)).toEqual([['preempt', CODE + 8]]);
  expect(g.events.at(-1)!.kind).toBe('syscall');
});

test.each(LED)('code that changes itself is run the same by both: jit and %s', (_, second) => {
  // mov r0, #1 becomes mov r0, #2; the kernel is asked to flush in between
  const g = guest(
    'bl 1f\n svc 0\n str r2, [r3]\n svc 1\n bl 1f\n svc 2\n 1: mov r0, #1\n bx lr',
    jit,
    second,
  );
  g.cpu.ru[2] = 0xe3a0_0002;
  g.cpu.ru[3] = CODE + 24;
  const seen: number[] = [];
  g.answer = (event) => {
    if (event.kind === 'preempt') return true;
    seen.push(g.cpu.ru[0]!);
    if (event.imm === 1) g.backend.invalidate(CODE + 24, 4);
    return event.imm !== 2;
  };
  g.run();
  expect(seen).toEqual([1, 1, 2]);
});

test('fork in the middle: the child gets ordinary pages', () => {
  const g = guest('str r0, [r1]\n svc 0\n str r0, [r1]\n svc 1', reference, unicorn);
  g.cpu.ru.set([9, DATA]);
  let child: ReturnType<typeof g.space.fork> | undefined;
  g.answer = (event) => {
    if (event.imm === 0) child = g.space.fork();
    return event.imm === 0;
  };
  g.run();
  expect(child!.view.getUint32(DATA, true)).toBe(9);
  expect(Object.hasOwn(child!, 'fault')).toBe(false);
  child!.close();
});
