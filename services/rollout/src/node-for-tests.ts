/** An edge node as the controller sees it: it checks and orders what it is told like any node, and then does as the test says. */
import { generateKeyPair, publicKeySet, type SigningKeyPair } from '@atoll/release/keys';
import { openDesired } from '@atoll/release/desired';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { decideDesired, type SeenState } from '@atoll/release/order';
import { sealStatus } from '@atoll/release/status';
import { type DesiredState, NodePhase, type VersionHealth } from '@atoll/proto/atoll/v1/release';
import type { Clock } from '@atoll/base/clock';
import type { EnrolledNode } from './fleet/enrolment.js';

/** What the node does with a version that it does not run yet. */
export type Behaviour =
  'commit' | 'soak' | 'ignore' | { readonly phase: 'FAILED' | 'ROLLED_BACK'; readonly code: string };

/** A node that lives in the test's process. */
export class NodeForTests {
  readonly id: string;
  readonly keys: SigningKeyPair = generateKeyPair();
  /** Every generation that it took up, with the version named. */
  readonly taken: string[] = [];
  behaviour: (version: bigint) => Behaviour = () => 'commit';
  /** What it says of the version in service, and of the one before. */
  health: VersionHealth | undefined;
  baseline: VersionHealth | undefined;
  send: (bytes: Uint8Array) => void = () => undefined;
  #director: SigningKeyPair['publicKey'];
  #clock: Clock;
  #seen: SeenState | undefined;
  #active: DesiredState | undefined;
  #trial: DesiredState | undefined;
  #boot = 1;
  #sequence = 0n;

  constructor(id: string, director: SigningKeyPair['publicKey'], clock: Clock) {
    this.id = id;
    this.#director = director;
    this.#clock = clock;
  }

  /** How the controller's file names it. */
  get enrolled(): EnrolledNode {
    return { id: this.id, publicKey: this.keys.publicKey, labels: { name: this.id } };
  }

  /** The version in service; 0 = none. */
  get version(): bigint {
    return this.#active?.version ?? 0n;
  }

  get generation(): bigint {
    return this.#seen?.generation ?? 0n;
  }

  /** Hears a desired state, from wherever it came. */
  hear(bytes: Uint8Array): void {
    const envelope = decodeEnvelope(bytes, payloadTypes.desired);
    const trusted = publicKeySet([this.#director]);
    const { desired, payloadSha256 } = openDesired(envelope, trusted, this.id, this.#clock.nowMs());
    const incoming = { generation: desired.generation, payloadSha256 };
    const order = decideDesired(this.#seen, incoming);
    if (order === 'equivocation') throw new Error(`two states for generation ${desired.generation} of ${this.id}`);
    if (order !== 'apply') return;
    const known = desired.manifestSha256 === this.#active?.manifestSha256;
    const behaviour = known ? 'commit' : this.behaviour(desired.version);
    if (behaviour === 'ignore') return;
    this.#seen = incoming;
    this.taken.push(`${desired.generation}:v${desired.version}`);
    this.report('ASSIGNED');
    this.#trial = behaviour === 'soak' ? desired : undefined;
    if (behaviour === 'commit') {
      this.#active = desired;
      this.report('STEADY');
    } else if (behaviour === 'soak') this.report('SOAKING');
    else this.report(behaviour.phase, behaviour.code);
  }

  /** Commits what it soaks. */
  finish(): void {
    if (this.#trial === undefined) throw new Error(`${this.id} has nothing on trial`);
    this.#active = this.#trial;
    this.#trial = undefined;
    this.report('STEADY');
  }

  /** Says that it has started. */
  start(): void {
    this.#boot += 1;
    this.report('STEADY');
  }

  report(phase: 'STEADY' | 'ASSIGNED' | 'SOAKING' | 'FAILED' | 'ROLLED_BACK', reasonCode = ''): void {
    this.#sequence += 1n;
    const status = {
      nodeId: this.id,
      bootId: `boot-${this.#boot}`,
      sequence: this.#sequence,
      observedGeneration: this.generation,
      phase: NodePhase[`NODE_PHASE_${phase}`],
      reasonCode,
      message: reasonCode === '' ? '' : `said by ${this.id}`,
      model: this.#active?.model ?? '',
      version: this.version,
      manifestSha256: this.#active?.manifestSha256 ?? '',
      backend: 'test',
      address: '127.0.0.1:1',
      labels: {},
      health: this.health,
      createdUnixMs: BigInt(this.#clock.nowMs()),
      attempt: 0,
      previousVersion: 0n,
      floor: 0n,
      alarms: [],
      clockOffsetMs: 0n,
      baseline: this.baseline,
      denied: 0,
    };
    this.send(encodeEnvelope(sealStatus(status, this.keys.privateKey)));
  }
}
