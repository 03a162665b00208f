import { AtollError } from '@atoll/base/error';
import { serveJob } from './child.js';

/** How the child of the tests behaves. */
export interface TestInput {
  readonly behave: 'echo' | 'refuse' | 'die' | 'die after words' | 'abort' | 'hang';
  readonly text: string;
}

serveJob<TestInput, string, string>(async ({ behave, text }, emit) => {
  switch (behave) {
    case 'echo':
      for (const letter of text) emit(letter);
      return text;
    case 'refuse':
      throw new AtollError('INVALID_ARGUMENT', text);
    case 'die':
      process.kill(process.pid, text);
      return new Promise(() => undefined);
    case 'die after words':
      process.stderr.write(`${text}\n`, () => process.kill(process.pid, 'SIGKILL'));
      return new Promise(() => undefined);
    case 'abort':
      process.stderr.write(`${text}\n`);
      return process.abort();
    case 'hang':
      process.removeAllListeners('SIGTERM').on('SIGTERM', () => undefined);
      emit('ready');
      return new Promise(() => undefined);
  }
});
