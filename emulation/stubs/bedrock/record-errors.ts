import { fractionOf } from "./seeded-random.ts";

/**
 * Chooses the records that fail: a share of them by their id, each once, so that the record that is sent again
 * succeeds, in a batch or on demand, and fails again when the whole batch is run anew after that.
 */
export class RecordErrors {
  readonly #share: number;
  /** Prompts of the records that failed last, by the records' ids. */
  readonly #failed = new Map<string, string>();

  /** @param share of the records, in 0..1 */
  constructor(share: number) {
    this.#share = share;
  }

  /** Whether this attempt at the record fails. */
  fails(recordId: string, prompt: string): boolean {
    if (this.#failed.delete(recordId)) return false;
    if (fractionOf(`record-error:${recordId}`) >= this.#share) return false;
    this.#failed.set(recordId, prompt);
    return true;
  }

  /** The model has answered a prompt on demand, where records have no ids. */
  answered(prompt: string): void {
    for (const [recordId, failed] of this.#failed) if (failed === prompt) this.#failed.delete(recordId);
  }
}
