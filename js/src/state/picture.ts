/** URLs of the kernel's pictures. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Picture } from "../wire/types";

/**
 * Return the object URL of a picture that may change. It is released when the picture changes or the view closes.
 *
 * @param picture called again whenever a signal in it changes.
 * @param releases receives a function to call when the view closes.
 */
export function pictureUrl(
  picture: () => Picture | null | undefined,
  releases: (() => void)[],
): ReadonlySignal<string | null> {
  let shown: { data: DataView; url: string } | null = null;
  const release = () => {
    if (shown) {
      URL.revokeObjectURL(shown.url);
    }
  };
  releases.push(release);
  return computed(() => {
    const image = picture();
    if (!image) {
      return null;
    }
    if (shown?.data !== image.data) {
      release();
      // copied, because a Blob does not accept a shared buffer
      const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength).slice();
      shown = { data: image.data, url: URL.createObjectURL(new Blob([bytes], { type: image.mime })) };
    }
    return shown.url;
  });
}
