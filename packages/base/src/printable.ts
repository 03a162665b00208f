/** What would break a line, move a terminal's cursor or turn its text around. */
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g;

/** The text on one line that any terminal may show: names in it may come from a file that means harm. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, ' ');
}
