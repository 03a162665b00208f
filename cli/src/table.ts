/** Rows under a head, columns as wide as their widest cell, two spaces between. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Milliseconds since the Unix epoch as ISO 8601; null for 0. */
export function isoTime(unixMs: bigint): string | null {
  return unixMs === 0n ? null : new Date(Number(unixMs)).toISOString();
}
