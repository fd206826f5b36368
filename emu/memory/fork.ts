/**
 * The pages of fork: what the child gets of its parent's memory.
 *
 * Clean pages of private file mappings are not copied: those that the child's memory has kept are what the parent has, the others
 * the child reads from the file when it wants them, and most children exec before that. Pages of shared mappings come when they
 * are wanted, too (shared.ts). Everything else that is present is copied, a run of pages at a time.
 */
import type { AddressSpace, Vma } from './address-space.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './layout.ts';
import { accessOf, CLEAN, PRESENT } from './page-table.ts';

export function copyPages(parent: AddressSpace, child: AddressSpace, areas: readonly Vma[]): void {
  const from = parent.pages.flags;
  for (const vma of areas) {
    if (vma.shared || vma.onFork !== undefined) continue;
    const last = vma.end / PAGE_SIZE;
    const allowed = accessOf(vma.prot);
    const key = vma.source?.key ?? null;
    const label = key === null ? 0 : child.pages.labelOf(key, vma.start - vma.offset);
    for (let page = vma.start >>> PAGE_SHIFT; page < last; ) {
      const flag = from[page]! & (PRESENT | CLEAN);
      const first = page;
      if (flag !== PRESENT) {
        while (page < last && (from[page]! & (PRESENT | CLEAN)) === flag) page++;
        if (flag & PRESENT && label !== 0) child.pages.bringKept(first, page, label, flag, allowed);
        continue;
      }
      while (page < last && (from[page]! & (PRESENT | CLEAN)) === PRESENT) {
        page++;
      }
      child.pages.bring(first, page, PRESENT, allowed);
      child.u8.set(parent.u8.subarray(first * PAGE_SIZE, page * PAGE_SIZE), first * PAGE_SIZE);
    }
  }
}
