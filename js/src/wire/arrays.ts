/** Arrays as the kernel sends them: float32 bytes with a shape. */

import type { WireArray } from "./types";

/**
 * The numbers of `wire`. A buffer may be a window into a larger one, at an offset that no Float32Array can begin at:
 * then the bytes are copied.
 *
 * @throws if there are not as many bytes as the shape needs, or the type is another one.
 */
export function decode(wire: WireArray): Float32Array {
  const length = wire.shape.reduce((product, side) => product * side, 1);
  const { buffer, byteOffset, byteLength } = wire.data;
  if (wire.dtype !== "float32" || byteLength !== 4 * length) {
    throw new Error(`An array of shape ${wire.shape.join("×")} has ${byteLength} bytes of ${wire.dtype}.`);
  }
  if (byteOffset % 4 === 0) {
    return new Float32Array(buffer, byteOffset, length);
  }
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Like {@link decode}, and `null` for what is not known. */
export function decodeIfKnown(wire: WireArray | null | undefined): Float32Array | null {
  return wire ? decode(wire) : null;
}
