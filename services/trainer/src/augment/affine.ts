/**
 * One composed affine change of a photo while it is copied into the batch: zoom, shear and rotation about the centre in a
 * single bilinear reading, so that a photo is resampled once whatever the number of changes. Composition and ranges are
 * those of Keras's ImageDataGenerator: M = R * S * Z maps a place in the result to the place in the photo it is read from.
 */
import type { Augmentation } from './augmentation.js';
import type { Random } from './random.js';

/** Columns of the 2 x 2 matrix: source x = a * x + b * y, source y = c * x + d * y, both from the centre in pixels. */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Draws rotation, shear, then the zoom of each axis; always four numbers, so that a closed range shifts no other. */
export function randomAffine(augmentation: Augmentation, random: Random): Affine {
  const rotation = radians(random.between(-augmentation.rotateDegrees, augmentation.rotateDegrees));
  const shear = radians(random.between(-augmentation.shearDegrees, augmentation.shearDegrees));
  const zoomX = random.between(1 - augmentation.zoom, 1 + augmentation.zoom);
  const zoomY = random.between(1 - augmentation.zoom, 1 + augmentation.zoom);
  return composeAffine(rotation, shear, zoomX, zoomY);
}

/** R * S * Z with R = [cos, -sin; sin, cos], S = [1, -sin(shear); 0, cos(shear)], Z = diag(zoomX, zoomY); angles in radians. */
export function composeAffine(rotation: number, shear: number, zoomX: number, zoomY: number): Affine {
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [shearCos, shearSin] = [Math.cos(shear), Math.sin(shear)];
  return {
    a: cos * zoomX,
    b: (-cos * shearSin - sin * shearCos) * zoomY,
    c: sin * zoomX,
    d: (-sin * shearSin + cos * shearCos) * zoomY,
  };
}

/**
 * Reads `source` (uint8, size x size x 3, row-major) through `affine` into `target` from element `offset` on, scaled by 1/255.
 * Places outside the photo take its nearest edge pixel.
 */
export function warpInto(source: Uint8Array, size: number, affine: Affine, target: Float32Array, offset: number): void {
  const centre = (size - 1) / 2;
  const last = size - 1;
  let out = offset;
  for (let y = 0; y < size; y++) {
    const dy = y - centre;
    let sourceX = affine.a * -centre + affine.b * dy + centre;
    let sourceY = affine.c * -centre + affine.d * dy + centre;
    for (let x = 0; x < size; x++) {
      const fx = sourceX < 0 ? 0 : sourceX > last ? last : sourceX;
      const fy = sourceY < 0 ? 0 : sourceY > last ? last : sourceY;
      const x0 = fx | 0;
      const y0 = fy | 0;
      const right = x0 < last ? 3 : 0;
      const down = y0 < last ? size * 3 : 0;
      const wx = fx - x0;
      const wy = fy - y0;
      const topLeft = ((1 - wx) * (1 - wy)) / 255;
      const topRight = (wx * (1 - wy)) / 255;
      const bottomLeft = ((1 - wx) * wy) / 255;
      const bottomRight = (wx * wy) / 255;
      let at = (y0 * size + x0) * 3;
      for (let channel = 0; channel < 3; channel++, at++) {
        target[out++] =
          topLeft * (source[at] as number) +
          topRight * (source[at + right] as number) +
          bottomLeft * (source[at + down] as number) +
          bottomRight * (source[at + down + right] as number);
      }
      sourceX += affine.a;
      sourceY += affine.c;
    }
  }
}

/** Copies `source` (uint8) into `target` from element `offset` on, scaled by 1/255. */
export function rescaleInto(source: Uint8Array, target: Float32Array, offset: number): void {
  for (let i = 0; i < source.length; i++) target[offset + i] = (source[i] as number) / 255;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
