/**
 * The guest's MMU under Unicorn: short-descriptor translation tables (ARM ARM B3.5.1) that give each page just what its page
 * byte grants.
 *
 * Physical memory is the wasm memory itself at the same addresses, so that translation is the identity and only the permissions
 * say anything. What a page byte withholds becomes a prefetch or data abort with the exact PC, at no cost to the accesses that
 * are allowed. (Unicorn's own permissions, uc_mem_protect, would mean thousands of maps, and its fault PC may be the start of
 * the block.)
 *
 * Invariants: `granted` is what the descriptors say and never more than the page byte said when `grant` or `refresh` was last
 * called; EXEC is granted only to pages marked CODE, so that a write to them is noticed; translations of a page are dropped
 * before it loses EXEC (the library finds them through the page's own descriptor).
 */
import { EXEC, PAGE_SHIFT, PAGE_SIZE, READ, WRITE } from '../memory/layout.ts';
import { ARM_REG_CP_REG, CP_REG_SIZE, CP_REG_VALUE, cpRegister, type Engine } from './api.ts';

/** Physical addresses of ours, above the guest's: 16 KiB of first level and 4 MiB of second-level tables. */
export const TABLES = 0xe000_0000;
const FIRST_LEVEL_LENGTH = 0x4000;
const SECOND_LEVEL = TABLES + FIRST_LEVEL_LENGTH;
export const TABLES_LENGTH = 0x50_0000;

/**
 * First level: page table, domain 0. Second level: small page; XN; access for privileged modes, and for user mode to read or to
 * write.
 */
const PAGE_TABLE = 1;
const SMALL_PAGE = 2;
const NO_EXECUTE = 1;
const AP_PRIVILEGED = 1 << 4;
const AP_READ = 2 << 4;
const AP_WRITE = 3 << 4;

/** More pages than this to be forgotten by the TLB: forget all. */
const FLUSH_ALL = 64;

export class PageTables {
  /** READ | WRITE | EXEC as the descriptors grant them; index = address >>> 12. */
  readonly granted = new Uint8Array(0x10_0000);
  /** Every page whose `granted` is not 0 (each once), with some that have become 0. */
  #pages: number[] = [];
  readonly #listed = new Uint8Array(0x10_0000);
  readonly #engine: Engine;
  readonly #bytes: Uint8Array;
  readonly #descriptor = new Uint32Array(1);
  readonly #descriptorBytes = new Uint8Array(this.#descriptor.buffer);
  readonly #tlbiAll = new Uint8Array(CP_REG_SIZE);
  readonly #tlbiPage = new Uint8Array(CP_REG_SIZE);

  /** `pageBytes`: AddressSpace.pages.bytes. */
  constructor(engine: Engine, pageBytes: Uint8Array) {
    this.#engine = engine;
    this.#bytes = pageBytes;
    engine.mem_map(TABLES, TABLES_LENGTH, READ | WRITE);
    const tables = new Uint32Array(TABLES_LENGTH / 4); // what was mapped need not be zeros
    for (let i = 0; i < FIRST_LEVEL_LENGTH / 4; i++) tables[i] = (SECOND_LEVEL + i * 0x400) | PAGE_TABLE;
    engine.mem_write(TABLES, new Uint8Array(tables.buffer));
    cpRegister(new DataView(this.#tlbiAll.buffer), 0, 8, 7, 0, 0);
    cpRegister(new DataView(this.#tlbiPage.buffer), 0, 8, 7, 0, 1);
  }

  /** A page only privileged modes may read and execute. */
  mapPrivileged(page: number): void {
    this.#describe(page, (page * PAGE_SIZE) | SMALL_PAGE | AP_PRIVILEGED);
  }

  /** Grants what the page byte grants of `wanted`, besides what was granted before. */
  grant(page: number, wanted: number): void {
    this.#set(page, (this.granted[page]! | wanted) & this.#bytes[page]! & (READ | WRITE | EXEC));
  }

  /** Takes EXEC from a page whose translations have been dropped. */
  revokeExec(page: number): void {
    this.#set(page, this.granted[page]! & ~EXEC);
    this.#forget(page);
  }

  /** Takes WRITE from all pages that have it, and gives each to `written` first. */
  takeWrites(written: (page: number) => void): void {
    const pages = this.#pages.filter((page) => this.granted[page]! & WRITE);
    for (const page of pages) {
      written(page);
      this.#set(page, this.granted[page]! & ~WRITE);
    }
    this.#forgetAll(pages);
  }

  /** Page bytes may have changed: takes away what they no longer grant. `dropCode` is called for pages that lose EXEC. */
  refresh(dropCode: (page: number) => void): void {
    const { granted } = this;
    const bytes = this.#bytes;
    const pages = this.#pages;
    const changed: number[] = [];
    for (const page of pages) {
      const now = granted[page]!;
      if ((now & bytes[page]!) === now) continue;
      if (now & ~bytes[page]! & EXEC) dropCode(page);
      changed.push(page);
    }
    if (changed.length === 0) return;
    for (const page of changed) this.#set(page, granted[page]! & bytes[page]!);
    this.#forgetAll(changed);
    this.#pages = pages.filter((page) => {
      if (granted[page] === 0) this.#listed[page] = 0;
      return granted[page] !== 0;
    });
  }

  #set(page: number, access: number): void {
    this.granted[page] = access;
    if (access !== 0 && this.#listed[page] === 0) {
      this.#listed[page] = 1;
      this.#pages.push(page);
    }
    // ARM has no page that can be written or executed but not read.
    this.#describe(
      page,
      access === 0
        ? 0
        : (page << PAGE_SHIFT) |
            SMALL_PAGE |
            (access & WRITE ? AP_WRITE : AP_READ) |
            (access & EXEC ? 0 : NO_EXECUTE),
    );
  }

  #describe(page: number, descriptor: number): void {
    this.#descriptor[0] = descriptor;
    this.#engine.mem_write(SECOND_LEVEL + page * 4, this.#descriptorBytes);
  }

  /** The TLB forgets these pages. */
  #forgetAll(pages: readonly number[]): void {
    if (pages.length > FLUSH_ALL) this.#engine.reg_write(ARM_REG_CP_REG, this.#tlbiAll);
    else for (const page of pages) this.#forget(page);
  }

  /** TLBIMVA. */
  #forget(page: number): void {
    new DataView(this.#tlbiPage.buffer).setUint32(CP_REG_VALUE, page * PAGE_SIZE, true);
    this.#engine.reg_write(ARM_REG_CP_REG, this.#tlbiPage);
  }
}
