import type { ServerDuplexStream, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Listener } from './listener.js';

type AnyCall = ServerDuplexStream<unknown, unknown>;
type AnyHandler = (call: AnyCall, callback?: sendUnaryData<unknown>) => void;

/** The same handlers, but a listener knows of each call's begin and end. */
export function trackedHandlers(
  handlers: UntypedServiceImplementation,
  listener: Pick<Listener, 'callBegins'>,
): UntypedServiceImplementation {
  const tracked = (handler: AnyHandler): AnyHandler => {
    return (call, callback) => {
      const end = listener.callBegins(call.getPeer());
      call.on('cancelled', end);
      if (callback === undefined) {
        call.on('finish', end).on('error', end);
        handler(call);
      } else {
        handler(call, (...answer) => {
          end();
          callback(...answer);
        });
      }
    };
  };
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name, tracked(handler as AnyHandler) as never]),
  );
}
