/*
 * Steps over the fields of a message the way the generated decoders do, without making anything of them: tags and lengths are the
 * low 32 bits of their varints, and a message ends early at a tag of 0. What the decoders could take otherwise than it looks here
 * must not pass for something harmless. Source: Protocol Buffers, Encoding; the decode() that ts-proto generates.
 */

/**
 * What came: a `field`; the `end`; what is `cut` off, whose `start` is where the bytes that are there begin; what ends its message
 * `early`, so that decoders take the rest for fields of the message around it; a `group`, which no message of this age has; or
 * what is `broken`, where decoders fail.
 */
export type Step = 'field' | 'end' | 'cut' | 'early' | 'group' | 'broken';

/** See the head of the file. */
export class FieldScanner {
  /** Number of the field. */
  field = 0;
  /** 0 varint, 1 eight bytes, 2 as long as it says, 5 four bytes. */
  wireType = 0;
  /** Of what a field of wire type 2 holds. */
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #to: number;
  #at: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
  }

  /** Goes to the next field. */
  next(): Step {
    if (this.#at >= this.#to) return 'end';
    const tag = this.#varint();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (tag === 0) return 'early';
    switch (this.wireType) {
      case 0:
        this.#varint();
        break;
      case 1:
        this.#at += 8;
        break;
      case 2: {
        const length = this.#varint();
        this.start = this.#at;
        this.end = this.#at = this.#at + length;
        break;
      }
      case 5:
        this.#at += 4;
        break;
      case 3:
        return 'group';
      case 4:
        return 'early';
      default:
        return 'broken';
    }
    return this.#at > this.#to ? 'cut' : 'field';
  }

  /** Its low 32 bits. */
  #varint(): number {
    let low = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#at < this.#to ? (this.#bytes[this.#at] ?? 0) : -1;
      this.#at++;
      if (byte < 0) break;
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return low >>> 0;
  }
}
