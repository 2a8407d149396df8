import { fractionOf } from "./seeded-random.ts";

/**
 * Chooses the records that fail: a share of them by their id, each once, so that the record that is sent again
 * succeeds, and fails again when the whole batch is run anew after that.
 */
export class RecordErrors {
  readonly #share: number;
  readonly #failed = new Set<string>();

  /** @param share of the records, in 0..1 */
  constructor(share: number) {
    this.#share = share;
  }

  /** Whether this attempt at the record fails. */
  fails(recordId: string): boolean {
    if (this.#failed.delete(recordId)) return false;
    if (fractionOf(`record-error:${recordId}`) >= this.#share) return false;
    this.#failed.add(recordId);
    return true;
  }
}
