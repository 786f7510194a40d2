/** Insertion and deletion curves: the model's values of the coalitions with the highest and lowest predicted score. */

import { useRef, useState } from "preact/hooks";
import { evenTicks } from "../../lib/axes";
import { plain, probability } from "../../lib/format";
import { placeWithin, useSize } from "../../lib/size";
import type { Measured } from "../../wire/types";
import { type Ends, keptAt, nameOf, readingOf, summaryOf } from "./measures";

const HEIGHT = 236;
const LEFT = 54;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 34;
const NARROWEST = 200;
/** Narrower plots have three numbers on the horizontal axis. */
const ROOMY = 280;
/** Smallest distance between two numbers on the vertical axis, in pixels. */
const APART = 13;
/** Points of the curves that carry the numbers of other explanations: all different, and not near the ends. */
const FIRST_TAG = 16;
const TAG_STEP = 6;
const TAGGED = 28;

interface CurvesProps {
  /** The shown explanation's measurement, in front; null before it is measured. */
  readonly current: Measured | null;
  readonly others: readonly Measured[];
  /** The highlighted one of the others. */
  readonly lit: Measured | null;
  /** The nouns for players: "patches and tokens". */
  readonly players: string;
  readonly ends: Ends;
}

export function Curves({ current, others, lit, players, ends }: CurvesProps) {
  const figure = useRef<HTMLElement>(null);
  const width = Math.max(useSize(figure).width, NARROWEST);
  const [point, setPoint] = useState<number | null>(null);
  const read = current ?? lit ?? others[0];
  if (!read) {
    return null;
  }
  const last = read.most.length - 1;
  const place = placesOf(width, current ? [current, ...others] : others);
  const at = (event: PointerEvent) => {
    const { x } = placeWithin(event.currentTarget as Element, event);
    const share = (x - LEFT) / (width - LEFT - RIGHT);
    setPoint(Math.round(last * Math.min(Math.max(share, 0), 1)));
  };
  return (
    <figure class="fx-curves" ref={figure} data-aid={current?.aid}>
      <Key current={current} point={point} ends={ends} />
      <div
        class="fx-plot"
        role="slider"
        tabIndex={0}
        aria-label="Share of the players kept at which the curves are read"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * keptAt(point ?? last, read))}
        aria-valuetext={
          point === null
            ? summaryOf(read, ends)
            : `${current ? "" : `${nameOf(read)}, `}${readingOf(read, point, ends)}`
        }
        onPointerDown={at}
        onPointerMove={at}
        onPointerLeave={(event) => {
          if (event.pointerType !== "touch") {
            setPoint(null);
          }
        }}
        onBlur={() => setPoint(null)}
        onKeyDown={(event) => {
          const next = moved(event.key, point ?? 0, last);
          if (next !== null) {
            event.preventDefault();
            setPoint(next);
          }
        }}
      >
        <svg viewBox={`0 0 ${width} ${HEIGHT}`} height={HEIGHT} aria-hidden="true">
          <Axes place={place} width={width} players={players} />
          {others.map((each, index) => (
            <Other key={index} place={place} of={each} number={index + 1} lit={each === lit} />
          ))}
          {current && <Front place={place} of={current} />}
          {point !== null && <Cursor place={place} of={current ?? lit} point={point} last={last} />}
        </svg>
      </div>
      <figcaption class="fx-hidden">{summaryOf(read, ends)}</figcaption>
    </figure>
  );
}

/** Return the point to which a key moves the cursor; null for other keys. */
export function moved(key: string, point: number, last: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowDown: -1,
    ArrowRight: 1,
    ArrowUp: 1,
    PageDown: -5,
    PageUp: 5,
    Home: -last,
    End: last,
  };
  const step = steps[key];
  return step === undefined ? null : Math.min(Math.max(point + step, 0), last);
}

/** Key of the curves, with their values at the cursor. */
function Key({ current, point, ends }: Pick<CurvesProps, "current" | "ends"> & { point: number | null }) {
  if (!current) {
    return (
      <div class="fx-key">
        <span>This explanation is not measured yet; the curves are of earlier measurements.</span>
      </div>
    );
  }
  const value = (curve: readonly number[]) => (point === null ? "" : plain(curve[point] ?? Number.NaN));
  return (
    <div class="fx-key" aria-hidden="true">
      <span data-curve="most">
        {ends.most} <b>{value(current.most)}</b>
      </span>
      <span data-curve="least">
        {ends.least} <b>{value(current.least)}</b>
      </span>
      <span data-curve="area">
        AID <b>{plain(current.aid)}</b>
      </span>
    </div>
  );
}

interface Places {
  readonly x: (share: number) => number;
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Return the axes: share of players, and all values including those of the empty (0) and the full pair (1). */
export function placesOf(width: number, drawn: readonly Measured[]): Places {
  const values = [0, 1, ...drawn.flatMap(({ most, least }) => [...most, ...least])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const spare = 0.04 * (high - low);
  const [from, to] = [low - spare, high + spare];
  const y = (value: number) => HEIGHT - BOTTOM - ((value - from) / (to - from)) * (HEIGHT - BOTTOM - TOP);
  const free = (tick: number) => [0, 1].every((pair) => Math.abs(y(tick) - y(pair)) >= APART);
  return {
    x: (share) => LEFT + share * (width - LEFT - RIGHT),
    y,
    ticks: [0, 1, ...evenTicks(from, to).filter(free)],
  };
}

const PAIRS: Readonly<Record<number, string>> = { 0: "empty 0", 1: "full 1" };

interface AxesProps {
  readonly place: Places;
  readonly width: number;
  readonly players: string;
}

function Axes({ place: { x, y, ticks }, width, players }: AxesProps) {
  return (
    <g class="fx-axis">
      {ticks.map((tick) => (
        <g key={tick} data-pair={tick in PAIRS}>
          <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 6} y={y(tick) + 3.5} text-anchor="end">
            {PAIRS[tick] ?? probability(tick).replace("-", "−")}
          </text>
        </g>
      ))}
      {(width < ROOMY ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((share) => (
        <text key={share} x={x(share)} y={HEIGHT - BOTTOM + 15} text-anchor={share === 1 ? "end" : "middle"}>
          {100 * share} %
        </text>
      ))}
      <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 4} text-anchor="middle">
        {players} kept
      </text>
    </g>
  );
}

function line({ x, y }: Places, values: readonly number[]): string[] {
  return values.map((value, index) => `${x(index / (values.length - 1)).toFixed(1)},${y(value).toFixed(1)}`);
}

/** The shown explanation's curves, and the area between them. */
function Front({ place, of }: { place: Places; of: Measured }) {
  const [most, least] = [line(place, of.most), line(place, of.least)];
  return (
    <g class="fx-front">
      <polygon points={[...most, ...[...least].reverse()].join(" ")} />
      <polyline data-curve="least" points={least.join(" ")} />
      <polyline data-curve="most" points={most.join(" ")} />
    </g>
  );
}

interface OtherProps {
  readonly place: Places;
  readonly of: Measured;
  readonly number: number;
  readonly lit: boolean;
}

/** Another explanation's curves; both carry its number in the table. */
function Other({ place, of, number, lit }: OtherProps) {
  const point = FIRST_TAG + ((TAG_STEP * (number - 1)) % TAGGED);
  return (
    <g class="fx-other" data-lit={lit}>
      {[of.least, of.most].map((curve, index) => (
        <g key={index}>
          <polyline points={line(place, curve).join(" ")} />
          <g transform={`translate(${place.x(keptAt(point, of))} ${place.y(curve[point] ?? 0)})`}>
            <circle r={7} />
            <text y={3.5} text-anchor="middle">
              {number}
            </text>
          </g>
        </g>
      ))}
    </g>
  );
}

interface CursorProps {
  readonly place: Places;
  readonly of: Measured | null;
  readonly point: number;
  readonly last: number;
}

function Cursor({ place, of, point, last }: CursorProps) {
  const x = place.x(point / last);
  return (
    <g class="fx-cursor">
      <line x1={x} x2={x} y1={TOP} y2={HEIGHT - BOTTOM} />
      {of && <circle data-curve="least" cx={x} cy={place.y(of.least[point] ?? 0)} r={4} />}
      {of && <circle data-curve="most" cx={x} cy={place.y(of.most[point] ?? 0)} r={4} />}
      <rect x={x - 30} y={HEIGHT - BOTTOM + 5} width={60} height={14} />
      <text x={x} y={HEIGHT - BOTTOM + 15} text-anchor="middle">
        {Math.round((100 * point) / last)} %
      </text>
    </g>
  );
}
