/** The entry of a job's own child process, started by the service through @atoll/jobs. */
import { systemClock } from '@atoll/base/clock';
import { serveJob } from '@atoll/jobs/child';
import { inspectTask } from './inspect-task.js';
import type { CompilerEvent, CompilerOutput, CompilerTask, InspectJob, InspectOutput } from './messages.js';
import { runTask } from './run-task.js';

serveJob<CompilerTask | InspectJob, CompilerEvent, CompilerOutput | InspectOutput>((task, emit, signal) =>
  task.kind === 'inspect' ? inspectTask(task, signal) : runTask(task, systemClock, emit, signal),
);
