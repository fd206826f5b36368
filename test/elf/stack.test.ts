import { describe, expect, it } from 'vitest';
import { DEFAULT_MODEL, HWCAP } from '../../emu/cpu-model.ts';
import { ElfError } from '../../emu/elf/elf-error.ts';
import { AT, buildStack, checkArguments, STACK_TOP, type StackInputs } from '../../emu/elf/stack.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';

const inputs: StackInputs = {
  argv: ['./program', 'caf\xc3\xa9', ''],
  envp: ['PATH=/bin', 'X='],
  execfn: '/usr/bin/program',
  phdr: 0x400034,
  phnum: 9,
  entry: 0x400501,
  base: 0x7000_0000,
  uid: 1,
  euid: 2,
  gid: 3,
  egid: 4,
  secure: true,
  random: Uint8Array.from({ length: 16 }, (_, i) => i + 100),
  executable: false,
  model: DEFAULT_MODEL,
};

/** Reads a stack as a C start-up routine does. */
function walk(space: AddressSpace, sp: number) {
  let at = sp;
  const word = () => {
    const value = space.view.getUint32(at, true);
    at += 4;
    return value;
  };
  const string = (p: number) => {
    const end = space.u8.indexOf(0, p);
    return Buffer.from(space.u8.subarray(p, end)).toString('latin1');
  };
  const argc = word();
  const argv: string[] = [];
  for (let p = word(); p !== 0; p = word()) argv.push(string(p));
  const envp: string[] = [];
  for (let p = word(); p !== 0; p = word()) envp.push(string(p));
  const auxvAt = at;
  const auxv = new Map<number, number>();
  for (let type = word(); type !== AT.NULL; type = word()) auxv.set(type, word());
  word();
  return { argc, argv, envp, auxv, auxvAt, auxvEnd: at, string };
}

describe('buildStack', () => {
  it('gives what a C start-up routine expects', () => {
    const space = AddressSpace.create();
    const stack = buildStack(space, inputs);
    const seen = walk(space, stack.sp);
    expect(stack.sp % 16).toBe(0);
    expect(seen.argc).toBe(3);
    expect(seen.argv).toEqual(inputs.argv);
    expect(seen.envp).toEqual(inputs.envp);
    const { auxv } = seen;
    expect(auxv.get(AT.PHDR)).toBe(0x400034);
    expect(auxv.get(AT.PHENT)).toBe(32);
    expect(auxv.get(AT.PHNUM)).toBe(9);
    expect(auxv.get(AT.PAGESZ)).toBe(4096);
    expect(auxv.get(AT.BASE)).toBe(0x7000_0000);
    expect(auxv.get(AT.ENTRY)).toBe(0x400501);
    expect([AT.UID, AT.EUID, AT.GID, AT.EGID].map((type) => auxv.get(type))).toEqual([1, 2, 3, 4]);
    expect(auxv.get(AT.SECURE)).toBe(1);
    expect(auxv.get(AT.CLKTCK)).toBe(100);
    expect(auxv.get(AT.HWCAP)).toBe(DEFAULT_MODEL.hwcap);
    expect(auxv.has(33)).toBe(false); // AT_SYSINFO_EHDR: there is no vdso
    expect(seen.string(auxv.get(AT.EXECFN)!)).toBe('/usr/bin/program');
    expect(seen.string(auxv.get(AT.PLATFORM)!)).toBe('v7l');
    expect([...space.bytes(auxv.get(AT.RANDOM)!, 16)]).toEqual([...inputs.random]);
    expect(stack.auxv).toEqual(space.bytes(seen.auxvAt, seen.auxvEnd - seen.auxvAt).slice());
    space.close();
  });

  it('lays the strings out without gaps, as /proc/PID/cmdline and environ want them', () => {
    const space = AddressSpace.create();
    const stack = buildStack(space, inputs);
    const text = (from: number, to: number) => Buffer.from(space.bytes(from, to - from)).toString('latin1');
    expect(text(stack.argStart, stack.argEnd)).toBe('./program\0caf\xc3\xa9\0\0');
    expect(text(stack.envStart, stack.envEnd)).toBe('PATH=/bin\0X=\0');
    expect(text(stack.envEnd, STACK_TOP)).toBe('/usr/bin/program\0\0\0\0\0');
    space.close();
  });

  it('maps a stack that grows, executable when asked', () => {
    const space = AddressSpace.create();
    const stack = buildStack(space, { ...inputs, executable: true });
    const vma = space.find(stack.sp)!;
    expect(vma).toMatchObject({ end: STACK_TOP, prot: 7, growsDown: true, name: '[stack]' });
    expect(space.fault(vma.start - 0x10_0000, 2)).toBe('ok');
    expect(space.fault(STACK_TOP - space.stackLimit - 1, 2)).toBe('unmapped');
    space.close();
  });

  it('takes a large environment, and an empty argv as one empty string', () => {
    const space = AddressSpace.create();
    const envp = Array.from({ length: 2000 }, (_, i) => `V${i}=${'x'.repeat(500)}`);
    const stack = buildStack(space, { ...inputs, argv: [], envp });
    const seen = walk(space, stack.sp);
    expect(seen.argc).toBe(1);
    expect(seen.argv).toEqual(['']);
    expect(seen.envp).toEqual(envp);
    space.close();
  });
});

describe('checkArguments', () => {
  const limit = 8 << 20;
  const errno = (argv: string[], envp: string[], stackLimit = limit) => {
    try {
      checkArguments(argv, envp, '/bin/true', stackLimit);
      return 'ok';
    } catch (error) {
      expect(error).toBeInstanceOf(ElfError);
      return (error as ElfError).errno;
    }
  };

  it('draws the lines where Linux does', () => {
    expect(errno(['x'.repeat(131071)], [])).toBe('ok');
    expect(errno(['x'.repeat(131072)], [])).toBe('E2BIG');
    const many = (n: number) => Array.from({ length: n }, () => 'x'.repeat(1019));
    expect(errno(many(2048 - 1), [])).toBe('ok');
    expect(errno(many(2048), [])).toBe('E2BIG');
    expect(errno([], many(2048))).toBe('E2BIG');
    expect(errno(many(1000), [], 64 << 20)).toBe('ok');
    expect(errno(many(6144), [], 64 << 20)).toBe('E2BIG');
    // Never less than ARG_MAX.
    expect(errno(many(120), [], 4096)).toBe('ok');
    expect(errno(many(128), [], 4096)).toBe('E2BIG');
  });
});

describe('HWCAP', () => {
  it('is an ARMv7 with VFPv4 and NEON', () => {
    const promised = HWCAP.NEON | HWCAP.VFPv4 | HWCAP.IDIVA | HWCAP.TLS;
    expect(DEFAULT_MODEL.hwcap & promised).toBe(promised);
  });
});
