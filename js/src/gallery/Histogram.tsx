/** The histogram of the sorted column; dragging on it, or moving the ends of the range, filters the pairs. */

import { computed } from "@preact/signals";
import { useMemo, useRef, useState } from "preact/hooks";
import { evenTicks } from "../lib/axes";
import { useDrag } from "../lib/drag";
import { plain } from "../lib/format";
import { clamp } from "../lib/geometry";
import { placeWithin, useSize } from "../lib/size";
import { type Histogram, histogramOf, matching } from "./filter";
import type { GalleryStore } from "./store";
import { without } from "./Toolbar";

const HEIGHT = 52;
const AXIS = 16;
const BINS = 48;

type Range = readonly [low: number, high: number];

export function HistogramView({ store, note }: { store: GalleryStore; note: string }) {
  const { sort, ranges, columns, search } = store.traits;
  const name = sort.value;
  const svg = useRef<SVGSVGElement>(null);
  const { width } = useSize(svg);
  const [draft, setDraft] = useState<Range | null>(null);
  // of the pairs that pass all other filters, so that a range can be widened again
  const histogram = useMemo(
    () =>
      computed<Histogram | null>(() => {
        void store.received.value;
        const values = store.rows.numbers(name);
        const others = matching(store.rows, {
          search: search.value,
          condition: store.query.value.condition,
          ranges: without(ranges.value, name),
        });
        return values && histogramOf(values, others, BINS);
      }),
    [store, name],
  ).value;
  const label = columns.value.find((column) => column.name === name)?.label ?? name;
  const scale = histogram && width > 0 ? scaleOf(histogram, width) : null;
  const commit = (range: Range | null) =>
    store.set("ranges", range ? { ...ranges.value, [name]: range } : without(ranges.value, name));
  const drag = useDrag<number>(svg, {
    hold: (event) => (scale && svg.current ? scale.value(placeWithin(svg.current, event).x) : null),
    move: (from, _start, to) => setDraft(rangeTo(from, to.x)),
    drop: (from, _start, to) => {
      commit(rangeTo(from, to.x));
    },
    end: () => setDraft(null),
  });
  function rangeTo(from: number, clientX: number): Range {
    const left = svg.current?.getBoundingClientRect().left ?? 0;
    const to = scale?.value(clientX - left) ?? from;
    return [Math.min(from, to), Math.max(from, to)];
  }
  const range = draft ?? ranges.value[name] ?? null;
  return (
    <figure class="fg-histogram">
      <figcaption title={note}>
        {label}
        {range ? ` from ${plain(range[0])} to ${plain(range[1])}` : ""}
      </figcaption>
      <svg ref={svg} class="fg-bars" height={HEIGHT + AXIS} aria-hidden="true" {...drag}>
        {histogram && scale && <Bars histogram={histogram} scale={scale} range={range} width={width} />}
      </svg>
      {histogram && scale && (
        <Ends label={label} histogram={histogram} scale={scale} range={range} commit={commit} />
      )}
    </figure>
  );
}

interface Scale {
  at(value: number): number;
  value(x: number): number;
}

function scaleOf({ low, high }: Histogram, width: number): Scale {
  return {
    at: (value) => clamp((width * (value - low)) / (high - low), 0, width),
    value: (x) => low + (clamp(x, 0, width) / width) * (high - low),
  };
}

interface BarsProps {
  readonly histogram: Histogram;
  readonly scale: Scale;
  readonly range: Range | null;
  readonly width: number;
}

function Bars({ histogram, scale, range, width }: BarsProps) {
  const { low, high } = histogram;
  const [from, to] = range ? [scale.at(range[0]), scale.at(range[1])] : [0, width];
  return (
    <>
      <path class="fg-all" d={barsBetween(histogram, width, 0, width)} />
      <path class="fg-chosen" d={barsBetween(histogram, width, from, to)} />
      {range && <rect class="fg-range" x={from} y={0} width={Math.max(1, to - from)} height={HEIGHT} />}
      <line class="fg-axis" x1={0} x2={width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
      {evenTicks(low, high).map((tick) => (
        <text key={tick} x={clamp(scale.at(tick), 10, width - 10)} y={HEIGHT + 13}>
          {String(Number(tick.toPrecision(6))).replace("-", "−")}
        </text>
      ))}
    </>
  );
}

/** Return the path of the bars, cut at two pixels of the axis. */
function barsBetween({ counts }: Histogram, width: number, from: number, to: number): string {
  const most = Math.max(...counts);
  const step = width / counts.length;
  const bars = counts.map((many, bin) => {
    const [left, right] = [Math.max(bin * step, from), Math.min((bin + 1) * step - 1, to)];
    // a single pair is visible beside thousands
    const height = Math.max(2, (HEIGHT * many) / most);
    return many === 0 || right <= left ? "" : `M${left} ${HEIGHT}v${-height}H${right}v${height}z`;
  });
  return bars.join("");
}

interface EndsProps {
  readonly label: string;
  readonly histogram: Histogram;
  readonly scale: Scale;
  readonly range: Range | null;
  readonly commit: (range: Range | null) => void;
}

/** The ends of the range as sliders for the keyboard. A range over everything is none. */
function Ends({ label, histogram: { low, high, counts }, scale, range, commit }: EndsProps) {
  const [from, to] = range ?? [low, high];
  const step = (high - low) / counts.length;
  const move = (end: 0 | 1, by: number) => {
    const next: Range = end === 0 ? [clamp(from + by, low, to), to] : [from, clamp(to + by, from, high)];
    commit(next[0] <= low && next[1] >= high ? null : next);
  };
  return (
    <>
      {([from, to] as const).map((value, end) => (
        <div
          key={end === 0 ? "low" : "high"}
          class="fg-end"
          role="slider"
          tabIndex={0}
          aria-label={`${end === 0 ? "Smallest" : "Largest"} ${label}`}
          aria-valuemin={low}
          aria-valuemax={high}
          aria-valuenow={value}
          aria-valuetext={plain(value)}
          data-whole={range === null}
          style={{ left: `${scale.at(value)}px` }}
          onKeyDown={(event) => {
            const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -8, PageUp: 8 }[
              event.key
            ];
            if (by !== undefined) {
              event.preventDefault();
              move(end as 0 | 1, by * step);
            }
          }}
        />
      ))}
    </>
  );
}
