/** The interpreter where code changes, crosses pages or is conditional; against the evaluator. */
import { afterEach, describe, expect, test } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { RECORDS_START, WRITE } from '../../emu/memory/layout.ts';
import { RECORDS_STRIDE } from '../../emu/tier0/record.ts';
import {
  CODE,
  closeMachines,
  DATA,
  type Factory,
  interp,
  machine,
  outcome,
  reference,
  stencils,
} from '../jit/machine.ts';
import { assemble } from '../unicorn/assemble.ts';

afterEach(closeMachines);

/** Runs a program whose SVCs are a callback that may change the machine; SVC 0 ends it. */
function runWith(
  factory: Factory,
  source: string,
  svc: (imm: number, m: ReturnType<typeof machine>) => void,
) {
  const m = machine(
    (space, hooks) =>
      factory(space, {
        ...hooks,
        syscall: (_cpu, imm) => {
          if (imm === 0) return false;
          svc(imm, m);
          return true;
        },
      }),
    assemble(source),
    /^\s*\.thumb/.test(source),
  );
  m.backend.run(m.cpu);
  return m;
}

const both = (source: string, svc: Parameters<typeof runWith>[2] = () => {}) => {
  const m = runWith(interp, source, svc);
  const expected = outcome(runWith(reference, source, svc));
  expect(outcome(m)).toEqual(expected);
  expect(outcome(runWith(stencils, source, svc))).toEqual(expected);
  return m;
};

/** Goes through an IT block and asks the kernel, 20,000 times. */
const BLOCKS = `
      .thumb
      movw r5, #20000
    again:
      cmp r5, #3
      ite eq
      moveq r0, #1
      movne r0, #2
      svc #1
      subs r5, #1
      bne again
      svc #0`;

describe('code that changes', () => {
  test('a store to the next instruction is seen by it', () => {
    // Writes `mov r1, #2` (0xe3a01002) over `mov r1, #1`.
    const m = both(`
      .arm
      ldr r2, =0xe3a01002
      adr r3, next
      str r2, [r3]
    next:
      mov r1, #1
      svc #0`);
    expect(m.cpu.r[1]).toBe(2);
  });

  test('a store to the instruction behind it in an IT block is seen after the block', () => {
    both(`
      .thumb
      ldr r2, =0x2107
      adr r3, target
      movs r4, #0
    again:
      cmp r4, r4
      itt eq
      strheq r2, [r3]
      addeq r4, #1
      nop
      .align 2
    target:
      movs r1, #1
      cmp r4, #2
      bne again
      svc #0`);
  });

  test('what is flushed again and again takes no more room', () => {
    const m = runWith(interp, BLOCKS, (_imm, { backend }) => backend.invalidate(CODE, 4));
    // 20,000 blocks of three records each have been made; what is beyond some pages was never touched.
    const beyond = RECORDS_START + 100 * RECORDS_STRIDE;
    expect(m.space.i32.subarray(beyond >>> 2, (beyond + RECORDS_STRIDE) >>> 2).every((x) => x === 0)).toBe(
      true,
    );
  });
});

test('records of IT blocks that were made for nobody give way in time', () => {
  const m = machine(interp, assemble(BLOCKS), true);
  // Each time the interpreter is left and begun anew: then nobody is in the midst of a block.
  do {
    m.backend.run(m.cpu);
    m.backend.invalidate(CODE, 4);
  } while (m.cpu.r[5] !== 0);
  expect(m.cpu.r[0]).toBe(2);
  // Those of all would take thirty pages' room.
  const beyond = RECORDS_START + 15 * RECORDS_STRIDE;
  expect(m.space.i32.subarray(beyond >>> 2, (beyond + RECORDS_STRIDE) >>> 2).every((x) => x === 0)).toBe(
    true,
  );
});

describe('pages', () => {
  test('an instruction and an IT block on two pages', () => {
    // add.w r0, r0, #5 across the border; then an IT at a page's end.
    const halves = [0xf100, 0x0005, 0x2800, 0xdf00];
    const m = withCodeAt(interp, CODE + 0xffe, halves);
    const n = withCodeAt(reference, CODE + 0xffe, halves);
    m.backend.run(m.cpu);
    n.backend.run(n.cpu);
    expect(m.cpu.r[0]).toBe((DATA + 5) | 0);
    expect(outcome(m)).toEqual(outcome(n));
    for (const { space, cpu } of [m, n]) {
      // cmp r0, r0; itte eq | moveq r1, #1; moveq r2, #2; movne r3, #3; svc 0
      [0x4280, 0xbf06, 0x2101, 0x2202, 0x2303, 0xdf00].forEach((h, i) => {
        space.check(CODE + 0xffc + 2 * i, 2, WRITE);
        space.view.setUint16(CODE + 0xffc + 2 * i, h, true);
      });
      cpu.location = (CODE + 0xffc) | 1;
    }
    m.backend.run(m.cpu);
    n.backend.run(n.cpu);
    expect([...m.cpu.r.subarray(1, 4)]).toEqual([1, 2, 0]);
    expect(outcome(m)).toEqual(outcome(n));
  });
});

/** Halfwords at an address, in two pages of code. */
function withCodeAt(factory: Factory, address: number, halves: readonly number[]) {
  const m = machine(factory, new Uint8Array(4), true);
  const { space, cpu } = m;
  const [start, end] = [CODE + 0x1000, CODE + 0x2000];
  space.map({ start, end, prot: 7, shared: false, source: null, offset: 0, growsDown: false, name: '' });
  space.check(CODE, 0x2000, WRITE);
  halves.forEach((half, i) => {
    space.view.setUint16(address + 2 * i, half, true);
  });
  cpu.location = address | 1;
  return m;
}

test('an IT block is left to the evaluator only when it goes on in the next page', () => {
  const counting: Factory = (space, hooks) => new JitBackend(space, { hooks, interpret: true, count: true });
  // cmp r0, r0; itte eq | moveq r1, #1; moveq.w r2, #2; movne r3, #3; svc 0
  const halves = [0x4280, 0xbf06, 0x2101, 0xf04f, 0x0202, 0x2303, 0xdf00];
  for (let before = 2; before <= 20; before += 2) {
    const at = CODE + 0x1000 - 2 - before;
    const m = withCodeAt(counting, at, halves);
    const n = withCodeAt(reference, at, halves);
    m.backend.run(m.cpu);
    n.backend.run(n.cpu);
    expect([...m.cpu.r.subarray(1, 4)]).toEqual([1, 2, 0]);
    expect(outcome(m)).toEqual(outcome(n));
    // The IT and what is in the block are ten bytes.
    expect([before, m.backend.stats().work!.tiers.evaluator!.instructions]).toEqual([
      before,
      before < 10 ? 4 : 0,
    ]);
  }
});

describe('modes', () => {
  test('big endian and a rounding mode, and back', () => {
    both(`
      .arm
      str r0, [r0]
      setend be
      ldr r1, [r0]
      setend le
      ldr r2, [r0]
      ldr r3, =0x00800000
      vmsr fpscr, r3
      vmov.f32 s0, #1.0
      vmov.f32 s1, #3.0
      vdiv.f32 s2, s0, s1
      mov r3, #0
      vmsr fpscr, r3
      vdiv.f32 s3, s0, s1
      vmov r4, r5, s2, s3
      svc #0`);
  });

  test('a fault in an IT block says where in it', () => {
    const m = both(`
      .thumb
      movs r1, #0
      cmp r1, r1
      itt eq
      moveq r2, #1
      ldreq r3, [r1]
      svc #0`);
    expect(m.events).toHaveLength(1);
    expect(m.cpu.i32[0x5c >> 2]).not.toBe(0);
  });
});

test('a memory’s next process gets the same machinery', () => {
  const first = runWith(interp, '.arm\n mov r1, #7\n svc #0', () => {});
  const { memory } = first.space;
  const { machinery } = first.backend as unknown as { machinery: unknown };
  closeMachines();
  const second = runWith(interp, '.arm\n mov r1, #8\n svc #0', () => {});
  expect(second.cpu.r[1]).toBe(8);
  if (second.space.memory === memory)
    expect((second.backend as JitBackend as unknown as { machinery: unknown }).machinery).toBe(machinery);
});
