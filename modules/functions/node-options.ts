/** The share of a function's memory that objects of long life may take; the rest is for buffers, which are no part of V8's heap. */
const OLD_SPACE_SHARE = 0.9;

/**
 * `NODE_OPTIONS` of a function. Without them Lambda's runtime gives V8 a young generation of a tenth of the memory, and V8 takes
 * it: garbage of streams then stays for hundreds of megabytes before it is looked at. With 2 MiB a semi-space it goes as it
 * comes (docs/scaling.md has the memory of both). Where either size is set the runtime sets neither, so both are.
 *
 * @param memorySize of the function, MB.
 */
export function nodeOptions(memorySize: number): string {
  return `--max-old-space-size=${Math.floor(memorySize * OLD_SPACE_SHARE)} --max-semi-space-size=2`;
}
