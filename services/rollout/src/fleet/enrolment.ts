/** The nodes that belong to the fleet, with the keys that prove who speaks: a JSON file that the operator keeps. */
import type { KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { parseNodeId } from '@atoll/bus/names';
import { parsePublicKey } from '@atoll/release/keys';

/** A node of the fleet. */
export interface EnrolledNode {
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly labels: Readonly<Record<string, string>>;
}

const maxFileBytes = 64 * 1024 * 1024;

/** Reads `[{id, publicKey (SPKI PEM), labels}]`; INVALID_ARGUMENT names the entry that is wrong. */
export async function readEnrolment(path: string): Promise<readonly EnrolledNode[]> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxFileBytes) throw new AtollError('INVALID_ARGUMENT', `it is over ${maxFileBytes} bytes`);
      return parseEnrolment(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT';
    const reason = missing ? 'there is no such file' : reasonOf(error);
    throw new AtollError(missing ? 'NOT_FOUND' : 'INVALID_ARGUMENT', `cannot read the nodes ${path}: ${reason}`, {
      cause: error,
    });
  }
}

/** Nodes from the file's text. */
export function parseEnrolment(text: string): readonly EnrolledNode[] {
  const json: unknown = JSON.parse(text);
  if (!Array.isArray(json)) throw new AtollError('INVALID_ARGUMENT', 'it is not a JSON array');
  const nodes = json.map((entry: unknown, index) => parseNode(entry, index));
  const seen = new Set<string>();
  const repeated = nodes.find(({ id }) => seen.size === seen.add(id).size)?.id;
  if (repeated !== undefined) throw new AtollError('INVALID_ARGUMENT', `node ${repeated} comes twice`);
  return nodes;
}

function parseNode(entry: unknown, index: number): EnrolledNode {
  try {
    if (typeof entry !== 'object' || entry === null) throw new AtollError('INVALID_ARGUMENT', 'it is not an object');
    const { id, publicKey, labels } = entry as Readonly<Record<string, unknown>>;
    if (typeof id !== 'string') throw new AtollError('INVALID_ARGUMENT', 'it has no id');
    if (typeof publicKey !== 'string') throw new AtollError('INVALID_ARGUMENT', 'it has no publicKey');
    return { id: parseNodeId(id), publicKey: parsePublicKey(publicKey), labels: parseLabels(labels) };
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `entry ${index}: ${reasonOf(error)}`, { cause: error });
  }
}

function parseLabels(labels: unknown): Record<string, string> {
  if (labels === undefined) return {};
  if (typeof labels !== 'object' || labels === null)
    throw new AtollError('INVALID_ARGUMENT', 'labels is not an object');
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]: [string, unknown]) => {
      if (typeof value !== 'string') throw new AtollError('INVALID_ARGUMENT', `label ${key} is not a text`);
      return [key, value];
    }),
  );
}
