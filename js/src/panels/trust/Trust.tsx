/** Reliability: fit on held-out pairs, residual of the full pair, number of masks, and convergence. */

import { count, percent, plain, signed } from "../../lib/format";
import type { Store } from "../../state/store";
import { Convergence } from "./Convergence";
import { SharesBar } from "./SharesBar";

export function Trust({ store }: { store: Store }) {
  const shown = store.wire.result.value;
  if (!shown) {
    return <p class="fx-empty">Nothing is computed yet.</p>;
  }
  return (
    <div class="fx-trust">
      <dl class="fx-measures">
        <Measure name="held-out R²" value={shown.r2} write={plain}>
          {shown.r2 == null
            ? "not measured: too few masked pairs were held out"
            : `${Math.round(100 * shown.r2)} % of the variance of held-out masked pairs`}
        </Measure>
        <Measure name="Spearman" value={shown.spearman} write={plain}>
          rank correlation between prediction and model on the same pairs
        </Measure>
        <Measure name="residual" value={shown.residual} write={signed}>
          similarity of the full pair minus its prediction, in logits
        </Measure>
        <Measure name="relative error" value={shown.relative_error ?? null} write={percent}>
          typical standard error of an image–text interaction, relative to the largest one
        </Measure>
        <Measure name="effective masks" value={shown.effective_image_masks} write={count}>
          effective number of image masks at this p; more masks give smaller errors
        </Measure>
      </dl>
      <Convergence points={store.wire.convergence.value} />
      <SharesBar shares={shown.shares ?? null} />
    </div>
  );
}

interface MeasureProps {
  readonly name: string;
  readonly value: number | null;
  readonly write: (value: number) => string;
  readonly children: string;
}

function Measure({ name, value, write, children }: MeasureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{value == null ? "–" : write(value)}</b>
        <small>{children}</small>
      </dd>
    </div>
  );
}
