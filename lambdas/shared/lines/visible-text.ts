/**
 * A character that is seen: no white space, control, format or combining character, no half of a surrogate pair, none that Unicode
 * has shown as nothing (Default_Ignorable_Code_Point; the blank of Braille is drawn as nothing too).
 */
const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Whether a reader sees anything of the text. */
export function isVisible(text: string): boolean {
  return VISIBLE.test(text);
}
