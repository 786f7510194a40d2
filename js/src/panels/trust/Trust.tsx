/** Reliability: fit on held-out pairs, residual of the full pair, number of masks, and convergence. */

import { count, percent, plain, signed } from "../../lib/format";
import { inputName, scoreName, unitOf } from "../../model/explanation";
import { type Board, imageWord, patchCount, textWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Convergence } from "./Convergence";
import { SharesBar } from "./SharesBar";

export function Trust({ store }: { store: Store }) {
  const shown = store.wire.result.value;
  if (!shown) {
    return <p class="fx-empty">Nothing is computed yet.</p>;
  }
  const term = measuredTerm(store.view.board.value);
  const input = inputName(shown);
  return (
    <div class="fx-trust">
      <dl class="fx-measures">
        <Measure name="held-out R²" value={shown.r2} write={plain}>
          {shown.r2 == null
            ? `not measured: too few masked ${input}s were held out`
            : `${Math.round(100 * shown.r2)} % of the variance of held-out masked ${input}s`}
        </Measure>
        <Measure name="Spearman" value={shown.spearman} write={plain}>
          {`rank correlation between prediction and model on the same ${input}s`}
        </Measure>
        <Measure name="residual" value={shown.residual} write={signed}>
          {`${scoreName(shown)} of the full ${input} minus its prediction${unitOf(shown) && `, in${unitOf(shown)}`}`}
        </Measure>
        <Measure name="relative error" value={shown.relative_error ?? null} write={percent}>
          {`typical standard error of ${term}, relative to the largest one`}
        </Measure>
        <Measure name="effective masks" value={shown.effective_image_masks} write={count}>
          {`effective number of ${input === "caption" ? "caption" : "image"} masks at this p; more masks give smaller errors`}
        </Measure>
      </dl>
      <Convergence points={store.wire.convergence.value} term={term} />
      <SharesBar shares={shown.shares ?? null} />
    </div>
  );
}

/** Return the terms whose precision is measured, in singular: those of both modalities, if both have players. */
function measuredTerm(board: Board): string {
  if (board.tokens.length > 0 && patchCount(board) > 0) {
    return "an image–text interaction";
  }
  return `an interaction of two ${(board.tokens.length > 0 ? textWord(board) : imageWord(board)).many}`;
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
