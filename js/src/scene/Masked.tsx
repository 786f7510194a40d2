/** The masked picture as the model sees it, with the masking's replacement over the removed players. */

import { patchCount } from "../model/players";
import type { Store } from "../state/store";

interface MaskedProps {
  readonly store: Store;
  /** Unique name within the view. */
  readonly name: string;
  /** Players that the mask removes; null without a mask. */
  readonly removed: readonly number[] | null;
}

/** Removed players are grey if the replacement is unknown. */
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

/** Return the players that a mask, a string of 0 and 1, removes. */
export function removedBy(mask: string): number[] {
  return [...mask].flatMap((bit, player) => (bit === "0" ? [player] : []));
}

/** Name and description of the masking. */
export function MaskingNote({ store }: { store: Store }) {
  const { masking } = store.wire.scene.value;
  return (
    masking && (
      <span data-masking={masking.name}>
        Masking “{masking.name}”. {masking.says}
      </span>
    )
  );
}
