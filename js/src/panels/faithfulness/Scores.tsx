/** A table with one row per explanation: the area between the curves, and the faithfulness at each p. */

import { useRef } from "preact/hooks";
import { probability } from "../../lib/format";
import { useSize } from "../../lib/size";
import type { Faithfulness, Measured } from "../../wire/types";
import { nameOf } from "./measures";

/** In a narrower table, names are above their numbers. */
const WIDE = 400;

interface ScoresProps {
  readonly current: Measured | null;
  readonly others: readonly Measured[];
  /** Values of p with a column. */
  readonly p: readonly number[];
  /** Called when the pointer enters another row (null for the current explanation) or leaves it. */
  readonly light: (of: Measured | null) => void;
}

export function Scores({ current, others, p, light }: ScoresProps) {
  const box = useRef<HTMLDivElement>(null);
  const narrow = useSize(box).width < WIDE;
  const rows = [
    ...(current ? [{ of: current, tag: 0 }] : []),
    ...others.map((of, index) => ({ of, tag: index + 1 })),
  ];
  return (
    <div class="fx-scores" ref={box}>
      <table>
        <caption class="fx-hidden">Area between the curves, and faithfulness at each p</caption>
        <thead>
          <tr>
            {!narrow && (
              <th scope="col" class="fx-names">
                explanation
              </th>
            )}
            <th scope="col">AID</th>
            {p.map((each) => (
              <th key={each} scope="col">
                {narrow ? "p" : "p ="} {probability(each)}
              </th>
            ))}
          </tr>
        </thead>
        {rows.map(({ of, tag }) => (
          <tbody
            key={tag}
            data-method={of.method}
            data-current={tag === 0}
            onPointerEnter={() => light(tag === 0 ? null : of)}
            onPointerLeave={() => light(null)}
          >
            {narrow && (
              <tr>
                <th scope="rowgroup" colSpan={p.length + 1}>
                  <Name of={of} tag={tag} />
                </th>
              </tr>
            )}
            <tr>
              {!narrow && (
                <th scope="row">
                  <Name of={of} tag={tag} />
                </th>
              )}
              <td>
                <b>{known(of.aid)}</b>
              </td>
              {p.map((each) => (
                <td key={each}>
                  <Score of={of} found={of.faithfulness.find((found) => found.p === each)} />
                </td>
              ))}
            </tr>
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Name({ of, tag }: { of: Measured; tag: number }) {
  return (
    <span class="fx-scored">
      <span class="fx-tag" aria-hidden="true">
        {tag > 0 && tag}
      </span>
      {nameOf(of)}
    </span>
  );
}

function Score({ of, found }: { of: Measured; found: Faithfulness | undefined }) {
  if (!found) {
    return <span>–</span>;
  }
  return (
    <>
      <b>{known(found.spearman)}</b>
      {of.in_logits && <small>R² {known(found.r2)}</small>}
    </>
  );
}

/** Return a number with two decimal places, so that the numbers of a column are comparable. */
export function known(value: number | null): string {
  const text = Math.abs(value ?? 0).toFixed(2);
  return value === null ? "–" : value < 0 && Number(text) !== 0 ? `−${text}` : text;
}
