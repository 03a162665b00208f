import sharp from 'sharp';

/** JPEG bytes of a picture: uint8, height x width x 3, row-major; quality 1 to 100 as libjpeg has it. */
export async function encodeJpeg(
  pixels: Uint8Array,
  size: { readonly width: number; readonly height: number },
  quality: number,
): Promise<Uint8Array> {
  return await sharp(pixels, { raw: { ...size, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}
