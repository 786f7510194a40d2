/** Decoding of arrays: float32 bytes with a shape. */

import type { WireArray } from "./types";

/**
 * Return the values of `wire`. Its buffer may be part of a larger one, at an offset that is not a multiple of four;
 * then the bytes are copied.
 *
 * @throws if the type is not float32 or the number of bytes does not match the shape.
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

/** Return the values of `wire`, or null if there is none. */
export function decodeIfKnown(wire: WireArray | null | undefined): Float32Array | null {
  return wire ? decode(wire) : null;
}
