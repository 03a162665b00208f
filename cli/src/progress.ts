/** Progress for people: one bar with rate and time left on a terminal, a plain line now and then elsewhere. */

/** What work under way says of itself. */
export interface Step {
  readonly label: string;
  readonly done: number;
  /** 0 = not known. */
  readonly total: number;
  /** What is counted, for example "photos". */
  readonly unit: string;
  /** Said beside the bar. */
  readonly note?: string;
  /** Seconds left, where the work knows better than its rate tells. */
  readonly etaSeconds?: number;
}

/** Where a verb tells how far it is. */
export interface Progress {
  /** Moves the bar. */
  step(step: Step): void;
  /** A line that stays. */
  line(text: string): void;
  /** Wipes the bar. */
  end(): void;
}

/** What progress needs. */
export interface ProgressOptions {
  readonly write: (text: string) => void;
  /** Columns of the terminal; undefined = no terminal. */
  readonly columns: number | undefined;
  readonly nowMs: () => number;
}

const redrawMs = 100;
const plainLineMs = 5_000;

/** Builds the progress of one verb. */
export function createProgress({ write, columns, nowMs }: ProgressOptions): Progress {
  let label = '';
  let startedMs = 0;
  let startedAt = 0;
  let drawnMs = -Infinity;
  let barLength = 0;
  const wipe = (): void => {
    if (barLength > 0) write(`\r${' '.repeat(barLength)}\r`);
    barLength = 0;
  };
  return {
    step: (step) => {
      const now = nowMs();
      const begins = step.label !== label;
      if (begins) {
        label = step.label;
        startedMs = now;
        startedAt = step.done;
      }
      const due = now - drawnMs >= (columns === undefined ? plainLineMs : redrawMs);
      if (!begins && !due) return;
      drawnMs = now;
      const text = describeStep(step, { seconds: (now - startedMs) / 1000, startedAt });
      if (columns === undefined) {
        write(`${text}\n`);
        return;
      }
      const drawn = `${bar(step)}${text}`.slice(0, Math.max(20, columns - 1));
      write(`\r${drawn.padEnd(barLength)}`);
      barLength = drawn.length;
    },
    line: (text) => {
      wipe();
      label = '';
      write(`${text}\n`);
    },
    end: () => {
      wipe();
      label = '';
    },
  };
}

/** A step in words: label, count, rate, time left, note. */
export function describeStep(step: Step, since: { readonly seconds: number; readonly startedAt: number }): string {
  const { label, done, total, unit, note } = step;
  const parts = [label];
  if (total > 0) parts.push(`${done}/${total} ${unit}`);
  else if (done > 0) parts.push(`${done} ${unit}`);
  const rate = since.seconds > 0.5 ? (done - since.startedAt) / since.seconds : 0;
  if (rate > 0) parts.push(`${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} ${unit}/s`);
  const left = step.etaSeconds ?? (rate > 0 && total > 0 ? (total - done) / rate : undefined);
  if (left !== undefined && left >= 1) parts.push(`${duration(left)} left`);
  if (note !== undefined) parts.push(note);
  return parts.join('  ');
}

/** Seconds as people read them: 42 s, 3 min 05 s. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

function bar({ done, total }: Step): string {
  if (total <= 0) return '';
  const cells = 20;
  const full = Math.min(cells, Math.round((done / total) * cells));
  return `[${'#'.repeat(full)}${'-'.repeat(cells - full)}] `;
}
