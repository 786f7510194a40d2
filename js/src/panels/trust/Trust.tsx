/** Reliability: fit on held-out pairs, residual of the full pair, number of masks, and convergence. */

import { count, percent, plain, signed } from "../../lib/format";
import { inputName, scoreName, unitOf } from "../../model/explanation";
import { type Board, imageWord, patchCount, textWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Definition } from "../../ui/Definition";
import type { Shares } from "../../wire/types";
import { Convergence } from "./Convergence";

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

/**
 * Shares of the variance by kind of term, as one bar with a legend of the numbers.
 *
 * @param shares null before the result is final, and in old pages.
 */
function SharesBar({ shares }: { shares: Shares | null }) {
  if (!shares) {
    return null;
  }
  const rest = { kind: "rest", label: "not explained", value: shares.rest, se: null };
  const parts = [...shares.parts, ...(shares.rest > 0 ? [rest] : [])];
  return (
    <section class="fx-shares" aria-label="Shares of the variance">
      <p>
        <Definition of="shares" more={withErrors(shares)}>
          What varies with the masks
        </Definition>
      </p>
      {shares.why ? (
        <p class="fx-hint">{shares.why}</p>
      ) : (
        <>
          <div class="fx-shares-bar" aria-hidden="true">
            {parts.map(({ kind, label, value, se }) => (
              <span
                key={kind}
                data-share={kind}
                title={`${label} ${written(value, se)}`}
                style={{ flexGrow: Math.max(value, 0) }}
              />
            ))}
          </div>
          <ul class="fx-shares-legend">
            {parts.map(({ kind, label, value, se }) => (
              <li key={kind} data-share={kind}>
                {label} <b>{written(value, se)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function written(value: number, se: number | null): string {
  return se === null ? percent(value) : `${percent(value)} ± ${percent(se)}`;
}

/** A sentence on the errors, for the definition. */
function withErrors({ parts }: Shares): string {
  if (parts.length === 0) {
    return "";
  }
  return parts.some(({ se }) => se !== null)
    ? "The numbers after ± are standard errors, with R² taken as given."
    : "Their standard errors are unknown: these masks are too few, or their regression is no longer in memory.";
}
