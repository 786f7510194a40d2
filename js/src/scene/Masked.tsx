/** The picture under a mask, as the model sees it: what stands for removed players is laid over it. */

import { patchCount } from "../model/players";
import type { Store } from "../state/store";

interface MaskedProps {
  readonly store: Store;
  /** Tells it from others of this view. */
  readonly name: string;
  /** Players that the mask removes; null where there is no mask yet. */
  readonly removed: readonly number[] | null;
}

/** Without a picture, the players that are kept; where it is not known what stands for the others, they are grey. */
export function Masked({ store, name, removed }: MaskedProps) {
  const { width, height, path } = store.view.outlines.value;
  const { image } = store.wire.scene.value;
  const [picture, blank] = [store.view.picture.value, store.view.blank.value];
  const first = patchCount(store.view.board.value);
  const area = (removed ?? []).filter((player) => player < first).map(path);
  const id = `${store.id}-${name}`;
  const whole = { width, height, preserveAspectRatio: "none" };
  return (
    <svg
      class="fx-masked"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      style={{ aspectRatio: image ? `${image.width} / ${image.height}` : `${width} / ${height}` }}
      aria-hidden="true"
    >
      {picture && removed && <image href={picture} {...whole} />}
      {blank ? (
        <>
          <clipPath id={id}>
            <path d={area.join("")} />
          </clipPath>
          <image href={blank} {...whole} clip-path={`url(#${id})`} />
        </>
      ) : (
        <path d={area.join("")} />
      )}
    </svg>
  );
}

/** Players that a mask, a string of 0 and 1, removes. */
export function removedBy(mask: string): number[] {
  return [...mask].flatMap((bit, player) => (bit === "0" ? [player] : []));
}
