/**
 * The pages of fork: what the child gets of its parent's memory.
 *
 * Clean pages of private file mappings are left out: the child reads them from the file when it wants them, and most
 * children exec before that. Everything else that is present is copied, a run of pages at a time; the runs of
 * neighbouring areas are joined.
 *
 * Seam for shared mappings: their pages are copied too, so parent and child part ways until shared pages have one
 * common owner (see docs/MEMORY.md).
 */
import type { AddressSpace, Vma } from './address-space.ts';
import { PAGE_SHIFT, PAGE_SIZE, WRITE } from './layout.ts';
import { accessOf, CLEAN, PRESENT } from './page-table.ts';

export function copyPages(parent: AddressSpace, child: AddressSpace, areas: readonly Vma[]): void {
  const from = parent.pages.flags;
  for (const vma of areas) {
    const last = vma.end / PAGE_SIZE;
    const noticed = vma.shared && vma.source !== null;
    const allowed = accessOf(vma.prot) & (noticed ? ~WRITE : ~0);
    for (let page = vma.start >>> PAGE_SHIFT; page < last; ) {
      if ((from[page]! & (PRESENT | CLEAN)) !== PRESENT) {
        page++;
        continue;
      }
      const first = page;
      while (page < last && (from[page]! & (PRESENT | CLEAN)) === PRESENT) {
        page++;
      }
      // The parent writes back what the parent wrote: DIRTY stays with it.
      child.pages.bring(first, page, PRESENT, allowed);
      child.u8.set(parent.u8.subarray(first * PAGE_SIZE, page * PAGE_SIZE), first * PAGE_SIZE);
    }
  }
}
