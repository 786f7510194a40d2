/** The scene's picture, as an address that an image can show. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Scene } from "./protocol";

/** The scene's picture as an object URL, which is released when another picture comes or the view goes. */
export function pictures(
  scene: ReadonlySignal<Scene>,
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
    const { image } = scene.value;
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
