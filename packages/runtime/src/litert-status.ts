/** LiteRtStatus values that a model can cause (litert_common.h), in words. */
const words: Readonly<Record<number, string>> = {
  1: 'it is not a TFLite model',
  2: 'out of memory',
  3: 'LiteRT failed while preparing or running it',
  4: 'an input is missing',
  5: 'it uses something that LiteRT does not support',
  6: 'a part of it was not found',
  500: 'a file could not be read',
  501: 'it is not an intact TFLite model',
  504: 'it could not be compiled',
};

/** The library's own words on one line, without its pointers to web pages. */
export function oneLine(messages: string): string {
  return messages
    .replaceAll(/See instructions: \S+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** A status, and what the library itself said about it, as the end of "cannot X: ". */
export function litertReason(status: number, messages = ''): string {
  const said = oneLine(messages);
  return said === '' ? `${words[status] ?? 'LiteRT refused it'} (status ${status})` : said;
}
