/** The picture with a colour for each image player, and outlines of those that are pointed at. */

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { useSize } from "../../lib/size";
import type { Store } from "../../state/store";
import { type Cell, drawCells } from "./cells";

interface TintedPictureProps {
  readonly store: Store;
  /** One cell for each image player; none if there is nothing to show. */
  readonly cells: readonly Cell[];
  /** Outlines of the image players. */
  readonly shapes: readonly string[];
  readonly pointed: readonly number[];
}

export function TintedPicture({ store, cells, shapes, pointed }: TintedPictureProps) {
  const { image } = store.wire.scene.value;
  const { width, height } = store.view.outlines.value;
  return (
    <span
      class="fx-map-picture"
      style={{ aspectRatio: image ? `${image.width} / ${image.height}` : `${width} / ${height}` }}
    >
      {store.view.picture.value && <img src={store.view.picture.value} alt="" />}
      <Cells store={store} cells={cells} shapes={shapes} />
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={pointed.map((player) => shapes[player]).join("")} />
      </svg>
    </span>
  );
}

/** The colours on a canvas, because hundreds of patches in each of twenty pictures would be slow as elements. */
function Cells({ store, cells, shapes }: Omit<TintedPictureProps, "pointed">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(canvas);
  const outlines = store.view.outlines.value;
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (canvas.current && context && width > 0) {
      const ratio = devicePixelRatio;
      canvas.current.width = Math.round(width * ratio);
      canvas.current.height = Math.round(height * ratio);
      const paths = shapes.map((shape) => new Path2D(shape));
      drawCells(context, cells, paths, outlines, ratio);
    }
  }, [cells, shapes, outlines, width, height]);
  return <canvas ref={canvas} />;
}

/** Return outlines of the image players; a hook. */
export function useShapes(store: Store, count: number): readonly string[] {
  const outlines = store.view.outlines.value;
  return useMemo(
    () => Array.from({ length: count }, (_, player) => outlines.path(player)),
    [outlines, count],
  );
}
