/** Text in which nothing hides: what controls the terminal, the line or the direction of writing shows as a replacement character. */
export function visible(text: string): string {
  // Control characters, halves of surrogate pairs, line and paragraph separators, marks and overrides of direction.
  return text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}
