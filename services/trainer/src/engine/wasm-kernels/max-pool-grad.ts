/** The window of a maximum pool over NHWC, as tfjs-core's computePool2DInfo gives it. */
export interface PoolWindow {
  readonly batchSize: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly effectiveFilterHeight: number;
  readonly effectiveFilterWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padInfo: { readonly top: number; readonly left: number };
}

/** Adds each value of `dy` (outputs) to the place in `dx` (inputs, zeroed) that was the first maximum of its window in `x`. */
export function maxPoolGrad(x: Float32Array, dy: Float32Array, dx: Float32Array, window: PoolWindow): void {
  const { inHeight, inWidth, inChannels: channels, outHeight, outWidth } = window;
  let out = 0;
  for (let n = 0; n < window.batchSize; n++) {
    const photo = n * inHeight * inWidth;
    for (let oh = 0; oh < outHeight; oh++) {
      const top = oh * window.strideHeight - window.padInfo.top;
      const bottom = Math.min(inHeight, top + window.effectiveFilterHeight);
      const first = Math.max(0, top);
      for (let ow = 0; ow < outWidth; ow++) {
        const left = ow * window.strideWidth - window.padInfo.left;
        const right = Math.min(inWidth, left + window.effectiveFilterWidth);
        const start = Math.max(0, left);
        for (let c = 0; c < channels; c++, out++) {
          let best = -1;
          let most = Number.NEGATIVE_INFINITY;
          for (let h = first; h < bottom; h++) {
            const row = (photo + h * inWidth) * channels + c;
            for (let w = start; w < right; w++) {
              const value = x[row + w * channels] as number;
              if (value > most || best < 0) {
                most = value;
                best = row + w * channels;
              }
            }
          }
          if (best >= 0) dx[best] = (dx[best] as number) + (dy[out] as number);
        }
      }
    }
  }
}
