/** The kernel's pictures, as addresses that an image can show. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Picture } from "../wire/types";

/**
 * The object URL of a picture that may change: released when another comes, or when the view goes.
 *
 * @param picture read anew whenever a signal in it changes.
 * @param releases what is done when the view goes.
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
      // a copy: the buffer may be shared, which a Blob does not take
      const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength).slice();
      shown = { data: image.data, url: URL.createObjectURL(new Blob([bytes], { type: image.mime })) };
    }
    return shown.url;
  });
}
