/**
 * The reader and writer of protobuf's wire format, without the rest of the library: its own entry loads 58 modules for schemas
 * and text formats that generated code never uses, which every process of Atoll would wait for at its start. The file is not
 * among the library's exports, so it is found beside the entry that is; the library's version is exact in package.json.
 */
import type * as Wire from '@bufbuild/protobuf/wire';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const beside = dirname(require.resolve('@bufbuild/protobuf/wire'));
const encoding = require(join(beside, 'binary-encoding.js')) as Pick<typeof Wire, 'BinaryReader' | 'BinaryWriter'>;

/** Reads fields off bytes. */
export const BinaryReader = encoding.BinaryReader;
/** Reads fields off bytes. */
export type BinaryReader = Wire.BinaryReader;
/** Writes fields as bytes. */
export const BinaryWriter = encoding.BinaryWriter;
/** Writes fields as bytes. */
export type BinaryWriter = Wire.BinaryWriter;
