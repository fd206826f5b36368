/** Mappings: mmap2, munmap(2), mprotect(2), mremap(2), brk(2) (mm/mmap.c, mm/mprotect.c, mm/mremap.c). */
import { isMachine, LOWEST, type PageSource, type Vma } from '../../../emu/memory/address-space.ts';
import { PAGE_MASK, PAGE_SIZE, USER_END } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import {
  LEGACY_MAP_MASK,
  MAP,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  MREMAP,
  PROT,
  READ_IMPLIES_EXEC,
} from '../../abi/mman.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { committedIn, isAccountable, mayCommit } from '../../kernel/commit.ts';
import type { Task } from '../../kernel/task.ts';
import { pathOf } from '../../vfs/core/inode.ts';
import { Socket } from '../../vfs/net/socket.ts';
import { fd, flags, ptr, size, uint } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { mayLock, mayLockMore, populate } from './mlock.ts';

const PROT_BITS = PROT.PROT_READ | PROT.PROT_WRITE | PROT.PROT_EXEC;
const protFlags = flags(PROT);
const mapFlags = flags(MAP);

/** mmap2's offset: in pages as passed, in bytes as decoded and printed. */
const pages: Arg<number> = {
  domain: { kind: 'number' },
  words: 1,
  decode: (_t, x) => (x >>> 0) * PAGE_SIZE,
  print: (_p, x) => (x === 0 ? '0' : `0x${((x >>> 0) * PAGE_SIZE).toString(16)}`),
};

export const pageUp = (n: number) => Math.ceil(n / PAGE_SIZE) * PAGE_SIZE;

/** Rounds a range up to pages. EINVAL when the start is not aligned or the end is beyond the address space. */
export function range(start: number, length: number): number {
  if (start & PAGE_MASK) fail('EINVAL');
  const end = start + pageUp(length);
  if (end > USER_END) fail('EINVAL');
  return end;
}

/** Every page from start to end lies in a VMA. */
export function mapped(t: Task, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const vma = t.mm.space.find(at);
    if (vma === undefined) return false;
    at = vma.end;
  }
  return true;
}

/** PROT_READ means PROT_EXEC too for programs that asked for executable stacks. */
function effectiveProt(t: Task, prot: number): number {
  const bits = prot & PROT_BITS;
  return bits & PROT.PROT_READ && t.personality & READ_IMPLIES_EXEC ? bits | PROT.PROT_EXEC : bits;
}

/**
 * Whether a mapping is the first one of a shared library: those get the same address in all processes, so that its translation is
 * of use to all. Who loads one has read its header before.
 */
function isProgram(source: PageSource, prot: number, offset: number): boolean {
  if (source.key === null || offset !== 0 || prot & PROT.PROT_WRITE) return false;
  return (prot & PROT.PROT_EXEC) !== 0 || source.isElf === true;
}

/** vm.max_map_count, as /proc/sys tells it. */
const MAX_MAP_COUNT = 65530;

/** What counts as data (is_data_mapping): private, to be written, and no stack. */
const isData = ({ prot, shared, growsDown }: Pick<Vma, 'prot' | 'shared' | 'growsDown'>) =>
  !shared && !growsDown && (prot & PROT.PROT_WRITE) !== 0;

/**
 * Whether the limits on areas and on their size allow for so many bytes more (may_expand_vm), of data or others; `from`..`to` is
 * what a fixed mapping takes the place of.
 */
function mayExpand(t: Task, bytes: number, data: boolean, from = 0, to = 0): boolean {
  const vmas = t.mm.space.vmas();
  if (vmas.length >= MAX_MAP_COUNT) return false;
  const { limits } = t.process;
  const most = limits[RLIMIT.RLIMIT_AS]!.cur;
  const mostData = data ? limits[RLIMIT.RLIMIT_DATA]! : { cur: Infinity, max: Infinity };
  if (most === Infinity && mostData.cur === Infinity) return true;
  let sum = bytes;
  let dataSum = bytes;
  for (const vma of vmas) {
    const { start, end } = vma;
    const size = end - start - Math.max(0, Math.min(end, to) - Math.max(start, from));
    sum += size;
    if (isData(vma)) dataSum += size;
  }
  // A soft limit of 0 is for brk alone.
  return sum <= most && dataSum <= (mostData.cur || mostData.max);
}

/** So much may find no place. */
const MUCH = 1 << 28;

/** do_mmap; offset in bytes. Its order: the place, locks, then the file and what it allows, then limits of memory. */
function mmap(
  t: Task,
  hint: number,
  length: number,
  prot: number,
  how: number,
  fdNumber: number,
  offset: number,
): number {
  const { space } = t.mm;
  const file = how & MAP.MAP_ANONYMOUS ? undefined : t.files.get(fdNumber);
  // As without CONFIG_HUGETLB_PAGE.
  if (how & MAP.MAP_HUGETLB) fail('EINVAL');
  if (length === 0) fail('EINVAL');
  const bytes = pageUp(length);
  if (bytes > USER_END) fail('ENOMEM');
  // Offsets are counted in pages of 32 bits.
  if (offset + bytes >= 2 ** 44) fail('EOVERFLOW');
  const isFixed = (how & (MAP.MAP_FIXED | MAP.MAP_FIXED_NOREPLACE)) !== 0;
  if (isFixed) {
    if (hint & PAGE_MASK) fail('EINVAL');
    if (hint + bytes > USER_END) fail('ENOMEM');
    if (hint < LOWEST) fail('EPERM');
    if (how & MAP.MAP_FIXED_NOREPLACE && !space.isFree(hint, hint + bytes)) fail('EEXIST');
    if (isMachine(hint, hint + bytes)) fail('ENOMEM');
  }
  if (!isFixed && bytes >= MUCH && space.findFree(bytes) === 0) fail('ENOMEM');
  if (how & MAP.MAP_LOCKED && !mayLock(t)) fail('EPERM');
  const locked = (how & MAP.MAP_LOCKED) !== 0 || t.mm.lockFuture;
  if (locked && !mayLockMore(t, bytes)) fail('EAGAIN');

  const type = how & MAP_TYPE;
  const shared = type === MAP.MAP_SHARED || type === MAP_SHARED_VALIDATE;
  if (!shared && type !== MAP.MAP_PRIVATE) fail('EINVAL');
  const growsDown = (how & MAP.MAP_GROWSDOWN) !== 0;
  let source: PageSource | null = null;
  let name = '';
  if (file !== undefined) {
    if (type === MAP_SHARED_VALIDATE && how & ~LEGACY_MAP_MASK) fail('EOPNOTSUPP');
    if (!file.readable || (shared && prot & PROT.PROT_WRITE && !file.writable)) fail('EACCES');
    if (file.inode.noExec && prot & PROT.PROT_EXEC) fail('EPERM');
    // Sockets have a way to be mapped, which refuses it when what was there is gone (mmap_region, sock_no_mmap).
    if (file instanceof Socket) {
      if (growsDown) fail('EINVAL');
      if (how & MAP.MAP_FIXED && mayExpand(t, bytes, isData({ prot, shared, growsDown }), hint, hint + bytes))
        space.unmap(hint, hint + bytes);
    }
    file.checkMapping(prot, shared);
    source = file.pageSource(shared);
    if (growsDown) fail('EINVAL');
    if (source.write !== undefined) t.kernel.vfs.lingering.owe();
    name = pathOf(file.inode, t.fs.root);
  } else if (type === MAP_SHARED_VALIDATE || (shared && growsDown)) fail('EINVAL');

  const data = isData({ prot, shared, growsDown });
  let at = hint;
  if (isFixed) {
    if (!mayExpand(t, bytes, data, hint, hint + bytes)) fail('ENOMEM');
  } else {
    if (!mayExpand(t, bytes, data)) fail('ENOMEM');
    const wanted =
      hint === 0 && !shared && source !== null && isProgram(source, prot, offset)
        ? t.kernel.preferredAddresses.propose(name.slice(name.lastIndexOf('/') + 1), bytes)
        : pageUp(hint);
    at = space.findFree(bytes, wanted);
    if (at === 0) fail('ENOMEM');
  }
  // Shared memory without a file is one in tmpfs, all of whose size counts (shmem_acct_size).
  if (isAccountable({ prot, shared }) || (shared && source === null)) {
    if (!mayCommit(t.kernel, () => bytes - committedIn(space, at, at + bytes))) fail('ENOMEM');
  }
  space.map({
    start: at,
    end: at + bytes,
    prot: file?.inode.noExec ? prot & PROT_BITS : effectiveProt(t, prot),
    shared,
    source,
    offset: source ? offset : 0,
    growsDown,
    locked: locked || undefined,
    noExec: file?.inode.noExec || undefined,
    noWrite: (shared && file?.writable === false) || undefined,
    name,
  });
  if (locked) populate(t, at, at + bytes);
  return at | 0;
}

function brk(t: Task, wanted: number): number {
  const { mm } = t;
  if (wanted < mm.startBrk || wanted > USER_END) return mm.brk | 0;
  const oldEnd = pageUp(mm.brk);
  const newEnd = pageUp(wanted);
  if (newEnd < oldEnd) {
    mm.noteResident(oldEnd - newEnd);
    mm.space.unmap(newEnd, oldEnd);
  } else if (newEnd > oldEnd) {
    if (wanted - mm.startBrk > t.process.limits[RLIMIT.RLIMIT_DATA]!.cur) return mm.brk | 0;
    if (!mayExpand(t, newEnd - oldEnd, true) || !mayCommit(t.kernel, newEnd - oldEnd)) return mm.brk | 0;
    if (mm.lockFuture && !mayLockMore(t, newEnd - oldEnd)) return mm.brk | 0;
    // One page must stay free behind it, too.
    if (newEnd + PAGE_SIZE > USER_END || !mm.space.isFree(oldEnd, newEnd + PAGE_SIZE)) return mm.brk | 0;
    mm.space.map({
      start: oldEnd,
      end: newEnd,
      prot: effectiveProt(t, PROT.PROT_READ | PROT.PROT_WRITE),
      shared: false,
      source: null,
      offset: 0,
      growsDown: false,
      locked: mm.lockFuture || undefined,
      name: '[heap]',
    });
    if (mm.lockFuture) populate(t, oldEnd, newEnd);
  }
  mm.brk = wanted;
  return wanted | 0;
}

/** May this much of a mapping be protected so? EACCES for what it never was open for, ENOMEM over a limit (mprotect_fixup). */
function checkProtection(t: Task, vma: Vma, bytes: number, prot: number): void {
  if (prot & PROT.PROT_EXEC && vma.noExec) fail('EACCES');
  if (!(prot & PROT.PROT_WRITE)) return;
  if (vma.noWrite) fail('EACCES');
  if (vma.shared && !(vma.prot & PROT.PROT_WRITE) && vma.source?.mayWrite?.() === false) fail('EACCES');
  if (!isData(vma) && isData({ ...vma, prot }) && !mayExpand(t, bytes, true) && mayExpand(t, bytes, false))
    fail('ENOMEM');
  if (!vma.shared && !isAccountable(vma) && !mayCommit(t.kernel, bytes)) fail('ENOMEM');
}

/** Mapping by mapping: those before one that must not be protected so, or before a hole, are (do_mprotect_pkey). */
function mprotect(t: Task, start: number, length: number, prot: number): number {
  const grows = prot & (PROT.PROT_GROWSDOWN | PROT.PROT_GROWSUP);
  if (grows === (PROT.PROT_GROWSDOWN | PROT.PROT_GROWSUP)) fail('EINVAL');
  if (start & PAGE_MASK) fail('EINVAL');
  if (length === 0) return 0;
  const { space } = t.mm;
  let from = start;
  const end = start + pageUp(length);
  // Addresses have 32 bits.
  if (end >= 2 ** 32) fail('ENOMEM');
  if (prot & ~(PROT_BITS | PROT.PROT_SEM | grows)) fail('EINVAL');
  if (grows !== 0) {
    // Where nothing is mapped it is the next area that may grow down to here.
    const down = grows === PROT.PROT_GROWSDOWN;
    const vma = space.vmas().find((area) => area.end > start);
    if (vma === undefined || vma.start >= (down ? end : start + 1)) fail('ENOMEM');
    if (!down || !vma.growsDown) fail('EINVAL');
    from = vma.start;
  }
  for (let at = from; at < end; ) {
    const vma = space.find(at) ?? fail('ENOMEM');
    const to = Math.min(vma.end, end);
    checkProtection(t, vma, to - at, prot);
    space.protect(at, to, vma.noExec ? prot & PROT_BITS : effectiveProt(t, prot));
    at = to;
  }
  return 0;
}

/** Its order: what is asked (check_mremap_params), what is mapped there, limits, and where to. */
function mremap(
  t: Task,
  old: number,
  oldLength: number,
  newLength: number,
  how: number,
  newAt: number,
): number {
  const { space } = t.mm;
  const move = (how & MREMAP.MREMAP_MAYMOVE) !== 0;
  const fixed = (how & MREMAP.MREMAP_FIXED) !== 0;
  const keep = (how & MREMAP.MREMAP_DONTUNMAP) !== 0;
  if (how & ~(MREMAP.MREMAP_MAYMOVE | MREMAP.MREMAP_FIXED | MREMAP.MREMAP_DONTUNMAP)) fail('EINVAL');
  if ((fixed || keep) && !move) fail('EINVAL');
  if (old & PAGE_MASK || newLength === 0) fail('EINVAL');
  let oldBytes = pageUp(oldLength);
  const newBytes = pageUp(newLength);
  if (newBytes > USER_END || (keep && oldBytes !== newBytes)) fail('EINVAL');
  if (fixed || keep) {
    if (newAt & PAGE_MASK || newAt + newBytes > USER_END) fail('EINVAL');
    if (newAt < old + oldBytes && old < newAt + newBytes) fail('EINVAL');
  }
  const vma = space.find(old) ?? fail('EFAULT');
  if (oldBytes === 0) return duplicate(t, vma, old, newBytes, how, newAt);
  // To shrink may cross areas and gaps; nothing else may.
  if (newBytes < oldBytes) {
    if (old + oldBytes > USER_END) fail('EINVAL');
    if (fixed) checkPlace(newAt, newBytes);
    space.unmap(old + newBytes, old + oldBytes);
    oldBytes = newBytes;
  }
  if (!fixed && !keep && newBytes === oldBytes) return old | 0;
  if (old + oldBytes > vma.end) fail('EFAULT');
  const more = keep ? newBytes : newBytes - oldBytes;
  if (more > 0) {
    if (!keep && vma.locked && !mayLockMore(t, more)) fail('EAGAIN');
    if (!mayExpand(t, more, isData(vma))) fail('ENOMEM');
    if (isAccountable(vma) && !mayCommit(t.kernel, more)) fail('ENOMEM');
  }
  if (fixed) checkPlace(newAt, newBytes);
  const { locked } = vma;
  const moveTo = (at: number): number => {
    // What stays is as it was mapped first, and not locked.
    const left: Vma = { ...vma, start: old, end: old + oldBytes, locked: undefined };
    left.offset = vma.source === null ? 0 : vma.offset + (old - vma.start);
    space.move(old, oldBytes, at, newBytes);
    if (keep) space.map(left);
    if (locked) populate(t, at + oldBytes, at + newBytes);
    return at | 0;
  };
  if (fixed) {
    space.unmap(newAt, newAt + newBytes);
    return moveTo(newAt);
  }
  const end = old + newBytes;
  if (!keep && old + oldBytes === vma.end && end <= USER_END && space.isFree(vma.end, end)) {
    return moveTo(old);
  }
  if (!move) fail('ENOMEM');
  const at = space.findFree(newBytes, keep ? newAt : 0);
  if (at === 0) fail('ENOMEM');
  return moveTo(at);
}

/** Where a mapping may be (get_unmapped_area). EPERM, ENOMEM. */
function checkPlace(at: number, bytes: number): void {
  if (at < LOWEST) fail('EPERM');
  if (isMachine(at, at + bytes)) fail('ENOMEM');
}

/** An old length of 0: a second mapping of the same shared pages. */
function duplicate(t: Task, vma: Vma, old: number, bytes: number, how: number, newAt: number): number {
  if (!vma.shared || vma.source === null || !(how & MREMAP.MREMAP_MAYMOVE)) fail('EINVAL');
  const { space } = t.mm;
  if (how & MREMAP.MREMAP_FIXED) checkPlace(newAt, bytes);
  const at = how & MREMAP.MREMAP_FIXED ? newAt : space.findFree(bytes);
  if (at === 0) fail('ENOMEM');
  space.map({ ...vma, start: at, end: at + bytes, offset: vma.offset + (old - vma.start) });
  return at | 0;
}

/**
 * remap_file_pages: other pages of the file of a shared mapping in the place of those that are there. What the range is in may
 * have been parted by that before.
 */
function remapFilePages(t: Task, start: number, length: number, prot: number, page: number): number {
  const { space } = t.mm;
  const from = start - (start % PAGE_SIZE);
  const end = from + (length - (length % PAGE_SIZE));
  if (prot !== 0 || end <= from || end > 2 ** 32) fail('EINVAL');
  if (page + (end - from) / PAGE_SIZE > 0xffff_ffff) fail('EINVAL');
  const first = space.find(from);
  const { source } = first ?? {};
  if (!first?.shared || !source) fail('EINVAL');
  for (let last = first; last.end < end; ) {
    const next = space.find(last.end);
    if (next?.source !== source || next.prot !== first.prot || next.locked !== first.locked) fail('EINVAL');
    last = next;
  }
  // Its pages may be the last of the file that are mapped.
  source.retain?.();
  space.map({ ...first, start: from, end, offset: page * PAGE_SIZE });
  source.release?.();
  populate(t, from, end);
  return 0;
}

function munmap(t: Task, start: number, length: number): number {
  if (length === 0) fail('EINVAL');
  const end = range(start, length);
  t.mm.noteResident(end - start);
  t.mm.space.unmap(start, end);
  return 0;
}

export const mmapCalls: readonly Call[] = [
  call(45, 'brk', [ptr], brk, { result: 'hex' }),
  call(91, 'munmap', [ptr, size], munmap),
  call(253, 'remap_file_pages', [ptr, size, protFlags, uint, mapFlags], remapFilePages),
  call(125, 'mprotect', [ptr, size, protFlags], mprotect),
  call(163, 'mremap', [ptr, size, size, flags(MREMAP), ptr], mremap, { result: 'hex' }),
  call(192, 'mmap2', [ptr, size, protFlags, mapFlags, fd, pages], mmap, { result: 'hex' }),
];
