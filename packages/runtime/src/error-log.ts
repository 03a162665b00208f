/*
 * What a C library says when something fails. TFLite's reporter gets a printf format and a va_list, which C's own vsnprintf
 * renders: on the platforms of Atoll a va_list travels as one pointer (System V x86-64, AAPCS64) or is one (macOS).
 */
import koffi from 'koffi';
import { oneLine } from './litert-status.js';
import type { Handle } from './native.js';

/** Collects messages until they are taken; `reporter` and `printer` are C function pointers, valid until freed. */
export interface ErrorLog {
  /** void (*)(void *user, const char *format, va_list) of TfLiteInterpreterOptionsSetErrorReporter. */
  readonly reporter: Handle;
  /** void (*)(const char *message), which delegates loaded as plug-ins call. */
  readonly printer: Handle;
  /** All messages since the last call, on one line, or `otherwise` when there are none. */
  take(otherwise: string): string;
  free(): void;
}

const longestMessage = 1024;

/** Makes an empty log. */
export function createErrorLog(): ErrorLog {
  const render = koffi
    .load(null)
    .func('int vsnprintf(_Out_ uint8_t *text, size_t n, const char *format, void *arguments)');
  const reporterType = koffi.proto('void', ['void *', 'const char *', 'void *']);
  const printerType = koffi.proto('void', ['const char *']);
  let messages: string[] = [];
  const report = (_user: unknown, format: string, values: Handle): void => {
    const text = Buffer.alloc(longestMessage);
    const length = Number(render(text, text.length, format, values));
    messages.push(text.toString('utf8', 0, Math.min(Math.max(length, 0), longestMessage - 1)));
  };
  const print = (message: string): void => {
    messages.push(message);
  };
  const reporter = koffi.register(report, koffi.pointer(reporterType));
  const printer = koffi.register(print, koffi.pointer(printerType));
  return {
    reporter,
    printer,
    take(otherwise) {
      const text = oneLine(messages.join(' '));
      messages = [];
      return text === '' ? otherwise : text;
    },
    free() {
      koffi.unregister(reporter);
      koffi.unregister(printer);
    },
  };
}
