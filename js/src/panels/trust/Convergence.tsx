/** The standard error against the number of encodings: a small plot with logarithmic axes. */

import { useRef } from "preact/hooks";
import { axis } from "../../lib/axes";
import { count, plain } from "../../lib/format";
import { useSize } from "../../lib/size";
import type { ConvergencePoint } from "../../wire/types";

const HEIGHT = 136;
const LEFT = 36;
/** Room for the label of the last point. */
const RIGHT = 44;
/** With more points, only the last one has a dot. */
const MOST_DOTS = 24;
const TOP = 10;
const BOTTOM = 34;

interface Props {
  readonly points: readonly ConvergencePoint[];
  /** The terms whose error it is, such as "an image–text interaction". */
  readonly term: string;
}

export function Convergence({ points, term }: Props) {
  const figure = useRef<HTMLElement>(null);
  const width = Math.max(useSize(figure).width, 160);
  const known = points.filter((point) => point.error > 0 && point.image_encodes > 0);
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last || known.length < 2) {
    return <p class="fx-hint">The convergence curve needs results at two or more budgets.</p>;
  }
  const x = axis(
    known.map((point) => point.image_encodes),
    LEFT,
    width - RIGHT,
  );
  const y = axis(
    known.map((point) => point.error),
    HEIGHT - BOTTOM,
    TOP,
  );
  const places = known.map((point) => ({ x: x.at(point.image_encodes), y: y.at(point.error) }));
  const end = places.at(-1);
  return (
    <figure class="fx-convergence" ref={figure}>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        height={HEIGHT}
        role="img"
        aria-label={spoken(term, first, last)}
      >
        <g class="fx-axis">
          {y.ticks.map((tick) => (
            <g key={tick}>
              <line x1={LEFT} x2={width - RIGHT} y1={y.at(tick)} y2={y.at(tick)} />
              <text x={LEFT - 6} y={y.at(tick) + 3.5} text-anchor="end">
                {short(tick)}
              </text>
            </g>
          ))}
          {x.ticks.map((tick) => (
            <text key={tick} x={x.at(tick)} y={HEIGHT - BOTTOM + 15} text-anchor="middle">
              {count(tick)}
            </text>
          ))}
          <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 4} text-anchor="middle">
            image encodings
          </text>
        </g>
        <polyline points={places.map((place) => `${place.x.toFixed(1)},${place.y.toFixed(1)}`).join(" ")} />
        {(places.length > MOST_DOTS ? places.slice(-1) : places).map((place, index, drawn) => (
          <circle key={place.x} cx={place.x} cy={place.y} r={index === drawn.length - 1 ? 4 : 2} />
        ))}
        {end && (
          <text class="fx-now" x={end.x + 9} y={end.y + 4}>
            {plain(last.error)}
          </text>
        )}
      </svg>
      <figcaption>typical standard error of {term}, in logits</figcaption>
    </figure>
  );
}

function spoken(term: string, first: ConvergencePoint, last: ConvergencePoint): string {
  return (
    `The typical standard error of ${term} fell from ${plain(first.error)} logits at ` +
    `${count(first.image_encodes)} image encodings to ${plain(last.error)} at ${count(last.image_encodes)}.`
  );
}

/** 0.30000000000000004 → "0.3" */
function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
