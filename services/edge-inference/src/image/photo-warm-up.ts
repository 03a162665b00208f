/*
 * Loads the codec of photos before the first one comes: that takes longer than a prediction. Only for a node that serves a model
 * whose package says how photos are brought to it, as the codec takes 25 MB that others shall not pay, and only once the node is
 * ready, as nobody waits for it.
 */
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';

/** See the head of the file. */
export interface PhotoWarmUp {
  /** The node is ready. */
  begin(): void;
  /** These are in service now. */
  consider(served: readonly Pick<ModelPackage, 'preprocessing'>[]): void;
  /** Waits for the end of what has begun. */
  stop(): Promise<void>;
}

/** Nothing is loaded yet; `warmUp` does it, once. */
export function createPhotoWarmUp(log: Logger, warmUp: () => Promise<void> = decodeOne): PhotoWarmUp {
  let ready = false;
  let wanted = false;
  let warming: Promise<void> | undefined;
  const warm = async (): Promise<void> => {
    try {
      await warmUp();
    } catch (error) {
      log.warn('the codec of photos could not be loaded', { error });
    }
  };
  const next = (): void => {
    if (ready && wanted) warming ??= warm();
  };
  return {
    begin() {
      ready = true;
      next();
    },
    consider(served) {
      wanted ||= served.some(({ preprocessing }) => preprocessing !== undefined);
      next();
    },
    async stop() {
      ready = false;
      await warming;
    },
  };
}

/** The way of a photo, with a small one. */
async function decodeOne(): Promise<void> {
  const [{ decodeImage }, { encodeJpeg }] = await Promise.all([
    import('@atoll/image/decode'),
    import('@atoll/image/encode'),
  ]);
  const size = { width: 32, height: 32 };
  const photo = await encodeJpeg(new Uint8Array(size.width * size.height * 3).fill(128), size, 80);
  await decodeImage(photo, { width: 16, height: 16, channels: 3 });
}
