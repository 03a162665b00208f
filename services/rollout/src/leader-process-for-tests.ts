/** A process of its own that leads when it may: node leader-process-for-tests.js DATABASE HOLDER LEASE_MS. While it leads it writes an event in its name now and then. */
import { systemClock } from '@atoll/base/clock';
import { reasonOf } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { openDatabase } from '@atoll/database/database';
import { startLeadership } from './leadership.js';
import { migrations } from './state/migrations.js';
import { databaseStores } from './state/stores.js';

const [path = '', holder = '', leaseMs = ''] = process.argv.slice(2);
const say = (what: string): void => void process.stdout.write(`${holder} ${what}\n`);
startLeadership({
  stores: databaseStores(openDatabase(path, migrations, { shared: true })),
  candidate: { holder, leaseMs: Number(leaseMs), clock: systemClock },
  lead: async (stores) => {
    say('leads');
    const write = (): void => {
      try {
        stores.transaction(() => {
          const event = { timeMs: systemClock.nowMs(), kind: 'Written', rollout: '', nodeId: '', message: '' };
          stores.events.append({ ...event, actor: holder });
        });
      } catch (error) {
        say(`refused: ${reasonOf(error)}`);
      }
    };
    const timer = setInterval(write, 50);
    return async () => {
      clearInterval(timer);
      say('resigned');
    };
  },
  log: { ...silentLogger, info: say },
});
// Its end of standard input closes with the test: nothing is left behind.
process.stdin.on('end', () => process.exit()).resume();
