/** The name of the operator that holds a compiled Edge TPU program. */
const edgeTpuOperator = 'edgetpu-custom-op';

/** True for a file that holds an Edge TPU program and so runs on nothing else. */
export function isEdgeTpuModel(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(edgeTpuOperator);
}
