/** Shares of the variance by kind of term, as one bar with a legend of the numbers. */

import { percent } from "../../lib/format";
import { Definition } from "../../ui/Definition";
import type { Shares } from "../../wire/types";

/** @param shares null before the result is final, and in old pages. */
export function SharesBar({ shares }: { shares: Shares | null }) {
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
