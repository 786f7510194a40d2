/** The parts that add up to the similarity or another score, each a bar that begins where the last one ended. */

import { colourOf } from "../../lib/colour";
import { withError } from "../../lib/format";
import { scoreName, unitOf } from "../../model/explanation";
import { imageWord, textWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Definition } from "../../ui/Definition";
import type { Part } from "../../wire/types";

export function Waterfall({ store }: { store: Store }) {
  const of = store.view.explanation.value;
  if (!of) {
    return null;
  }
  const why = reasonAgainst(of);
  const score = scoreName(of);
  const names = namesOf(of);
  if (why) {
    return <p class="fx-empty">{why}</p>;
  }
  const bars = barsOf(of.parts ?? []);
  return (
    <div class="fx-waterfall">
      <table>
        <caption>
          {store.wire.shown.value === "difference"
            ? `Differences B − A of the parts of the ${score}, in${unitOf(of)}`
            : `From the baseline to the ${score}, in${unitOf(of)}`}
        </caption>
        <thead class="fx-hidden">
          <tr>
            <th scope="col">part</th>
            <th scope="col">value</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {bars.map(({ kind, value, se, from, to, total }) => (
            <tr key={kind} data-part={kind} data-total={total}>
              <th scope="row">
                {kind === "baseline" || kind === "residual" || kind === "similarity" ? (
                  <Definition of={kind === "similarity" ? score : kind}>{names[kind]}</Definition>
                ) : (
                  names[kind]
                )}
              </th>
              <td class="fx-number">{withError(value, se)}</td>
              <td class="fx-track" aria-hidden="true">
                <span
                  style={{
                    "--from": `${100 * from}%`,
                    "--to": `${100 * to}%`,
                    "--colour": total ? "var(--fg)" : colourOf(store.view.palette.value, value),
                  }}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Shown = NonNullable<Store["view"]["explanation"]["value"]>;

/** Return why there is no waterfall, or an empty string. */
function reasonAgainst({ in_logits, parts }: Shown): string {
  if (in_logits === false) {
    return "The values of this method are not in logits, so that they do not add up to a score.";
  }
  if (!parts) {
    return "This page was saved without the parts of the sum; save it again to see them.";
  }
  return parts.length > 0
    ? ""
    : "A and B have different kinds of parts, so that their parts cannot be subtracted.";
}

function namesOf(of: Shown): Record<Part["kind"], string> {
  const [patches, words] = [imageWord(of).many, textWord(of).many];
  return {
    baseline: "baseline",
    image: `${patches}, alone`,
    text: `${words}, alone`,
    image_image: `${patches} × ${patches}`,
    text_text: `${words} × ${words}`,
    cross: `${patches} × ${words}`,
    third: "third order",
    residual: "residual",
    similarity: scoreName(of),
    surrogate: "surrogate",
  };
}

interface Bar extends Part {
  /** Ends of the bar as shares of the width, the smaller one first. */
  readonly from: number;
  readonly to: number;
  /** Whether the bar is the sum of the others. */
  readonly total: boolean;
}

/** Return a bar for each part; the last part is the sum of the others and begins at 0. */
export function barsOf(parts: readonly Part[]): Bar[] {
  let sum = 0;
  const ends = parts.map(({ value }, index) => {
    const start = index === parts.length - 1 ? 0 : sum;
    sum = start + value;
    return [Math.min(start, sum), Math.max(start, sum)] as const;
  });
  const low = Math.min(0, ...ends.map(([from]) => from));
  const width = Math.max(0, ...ends.map(([, to]) => to)) - low || 1;
  return parts.map((part, index) => {
    const [from, to] = ends[index] ?? [0, 0];
    return {
      ...part,
      from: (from - low) / width,
      to: (to - low) / width,
      total: index === parts.length - 1,
    };
  });
}
