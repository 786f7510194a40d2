/** Decoding of arrays: float32 bytes with a shape; of a symmetric matrix, perhaps only the part above the diagonal. */

import type { WireArray } from "./types";

/**
 * Return the values of `wire`. Its buffer may be part of a larger one, at an offset that is not a multiple of four;
 * then the bytes are copied.
 *
 * @throws if the type is not float32 or the number of bytes does not match the shape.
 */
export function decode(wire: WireArray): Float32Array {
  const [n = 1] = wire.shape;
  const length = wire.upper ? (n * (n - 1)) / 2 : wire.shape.reduce((product, side) => product * side, 1);
  const { buffer, byteOffset, byteLength } = wire.data;
  if (wire.dtype !== "float32" || byteLength !== 4 * length) {
    throw new Error(`An array of shape ${wire.shape.join("×")} has ${byteLength} bytes of ${wire.dtype}.`);
  }
  const values =
    byteOffset % 4 === 0
      ? new Float32Array(buffer, byteOffset, length)
      : new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return wire.upper ? mirrored(values, n) : values;
}

/** Return the symmetric (n, n) matrix with a zero diagonal, given the elements above it. */
export function mirrored(upper: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(n * n);
  let next = 0;
  for (let row = 0; row < n; row++) {
    for (let column = row + 1; column < n; column++) {
      whole[row * n + column] = whole[column * n + row] = upper[next++] ?? Number.NaN;
    }
  }
  return whole;
}

/** Return the values of `wire`, or null if there is none. */
export function decodeIfKnown(wire: WireArray | null | undefined): Float32Array | null {
  return wire ? decode(wire) : null;
}
