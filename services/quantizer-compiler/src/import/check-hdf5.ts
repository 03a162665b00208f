// What the HDF5 library trusts and would loop on for ever: the sizes in its global heaps, where texts of any length lie.
// Source: HDF5 File Format Specification 3.0, section III.E, "Global Heap".
import { AtollError } from '@atoll/base/error';

const mark = Buffer.from('GCOL\u0001\0\0\0', 'latin1');
const headerBytes = 16;

/** Refuses a file in which an object of a global heap has no size, or one that leads out of its heap: DATA_LOSS. */
export function refuseEndlessHeaps(bytes: Uint8Array, file: string): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = view.indexOf(mark); start !== -1; start = view.indexOf(mark, start + 1)) {
    const why = heapFault(view, start);
    if (why !== null) throw new AtollError('DATA_LOSS', `cannot import ${file}: the HDF5 file is damaged: ${why}`);
  }
}

function heapFault(view: Buffer, start: number): string | null {
  const room = view.length - start;
  const heapBytes = room < headerBytes ? Infinity : Number(view.readBigUInt64LE(start + 8));
  if (heapBytes > room) return `a heap at byte ${start} is larger than the file`;
  const end = start + heapBytes;
  for (let at = start + headerBytes; at + headerBytes <= end;) {
    const isFree = view.readUInt16LE(at) === 0;
    const sizeBytes = Number(view.readBigUInt64LE(at + 8));
    const step = isFree ? sizeBytes : headerBytes + 8 * Math.ceil(sizeBytes / 8);
    if (step < headerBytes || at + step > end) return `an object at byte ${at} of a heap has ${sizeBytes} bytes`;
    at += step;
  }
  return null;
}
