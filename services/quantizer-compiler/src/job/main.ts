/** The entry of a job's own child process, started by the service through @atoll/jobs. */
import { systemClock } from '@atoll/base/clock';
import { serveJob } from '@atoll/jobs/child';
import type { CompilerEvent, CompilerOutput, CompilerTask } from './messages.js';
import { runTask } from './run-task.js';

serveJob<CompilerTask, CompilerEvent, CompilerOutput>((task, emit, signal) => runTask(task, systemClock, emit, signal));
