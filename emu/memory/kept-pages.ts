/**
 * Which pages of a memory still hold what a file has, though nobody has the file mapped there now: the next process that maps the
 * same part of the file at the same address need not read them.
 *
 * A page is known by the label of its file and bias (address less offset), and the flag KEPT in the page table, which goes with
 * whatever else comes to the page. The file is known by PageSource.key, which stands for its content; who takes a page asks
 * whether the file is still that one.
 */
import { PAGE_BYTES_LENGTH, PAGE_LABELS } from './layout.ts';

const MOST = 0xff;

export class KeptPages {
  readonly #labels: Uint8Array;
  /** Labels, by the file and by the bias. */
  readonly #known = new Map<string, Map<number, number>>();
  #given = 0;

  /** Those of a memory. */
  constructor(buffer: SharedArrayBuffer) {
    this.#labels = new Uint8Array(buffer, PAGE_LABELS, PAGE_BYTES_LENGTH);
  }

  /** The label of a file at a bias, 0 when no page has it. */
  find(key: string, bias: number): number {
    return this.#known.get(key)?.get(bias) ?? 0;
  }

  /** As `find`, made when there is none. When there are no more all pages lose theirs. */
  label(key: string, bias: number): number {
    const known = this.find(key, bias);
    if (known !== 0) return known;
    if (this.#given === MOST) {
      this.#known.clear();
      this.#labels.fill(0);
      this.#given = 0;
    }
    const label = ++this.#given;
    const biases = this.#known.get(key);
    if (biases === undefined) this.#known.set(key, new Map([[bias, label]]));
    else biases.set(bias, label);
    return label;
  }

  put(page: number, label: number): void {
    this.#labels[page] = label;
  }
  has(page: number, label: number): boolean {
    return this.#labels[page] === label;
  }
}
