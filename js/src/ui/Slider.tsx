/** A slider that commits its value on release or after a short rest; until then the value is a draft. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const REST_MS = 150;

export interface Tick {
  readonly value: number;
  readonly label: string;
  /** Whether the slider does not offer this value, or only together with another setting. */
  readonly absent?: boolean;
}

/** A value worth reaching, with a button below the ticks that selects it. */
export interface Mark {
  readonly value: number;
  readonly label: string;
  readonly title: string;
}

export interface SliderProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly ticks?: readonly Tick[];
  readonly marks?: readonly Mark[];
  /** The allowed values, in ascending order; by default every step from `min` to `max`. A single one is shown as text. */
  readonly stops?: readonly number[];
  /** Why the slider is disabled, or empty. */
  readonly idle?: string;
  /** Short text of a value, for the screen and screen readers. */
  readonly name: (value: number) => string;
  /** Additional text about a value. */
  readonly note?: (value: number) => string;
  /** A button that explains the label. */
  readonly about?: ComponentChildren;
  readonly commit: (value: number) => void;
}

export function Slider(props: SliderProps) {
  const { id, label, min, max, step, stops, ticks = [], marks = [], idle = "" } = props;
  const { draft, change, release } = useDraft(props.value, props.commit);
  const share = (value: number) => `${max > min ? (100 * (value - min)) / (max - min) : 0}%`;
  const note = idle || props.note?.(draft);
  if (stops && stops.length < 2) {
    return (
      <div class="fx-slider" data-fixed={id}>
        <div class="fx-slider-head">
          <span class="fx-slider-label">
            <span>
              {label} <b>{props.name(draft)}</b>
            </span>
            {props.about}
          </span>
          {note && <span class="fx-note">{note}</span>}
        </div>
      </div>
    );
  }
  return (
    <div class="fx-slider" data-idle={idle !== ""}>
      <div class="fx-slider-head">
        <span class="fx-slider-label">
          <label for={id}>
            {label} <b>{props.name(draft)}</b>
          </label>
          {props.about}
        </span>
        {props.note && (
          <span class="fx-note" title={note}>
            {note}
          </span>
        )}
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={stops ? "any" : step}
        value={draft}
        disabled={idle !== ""}
        aria-valuetext={[props.name(draft), note].filter(Boolean).join(", ")}
        style={{ "--share": share(Math.min(Math.max(draft, min), max)) }}
        onInput={(event) => {
          const value = event.currentTarget.valueAsNumber;
          const taken = stops ? nearest(stops, value) : value;
          event.currentTarget.value = String(taken);
          change(taken);
        }}
        onPointerUp={release}
        onKeyDown={(event) => {
          const next = stops && stopFrom(stops, draft, event.key);
          if (next !== undefined) {
            event.preventDefault();
            change(next);
          }
        }}
      />
      {ticks.length > 0 && (
        <div class="fx-ticks" aria-hidden="true">
          {ticks.map((tick) => (
            <span
              key={tick.value}
              data-absent={tick.absent ?? false}
              style={{ "--share": share(tick.value) }}
            >
              {tick.label}
            </span>
          ))}
        </div>
      )}
      {marks.length > 0 && idle === "" && (
        <div class="fx-slider-marks">
          {marks.map((mark) => (
            <button
              key={mark.value}
              type="button"
              data-mark={mark.value}
              data-late={mark.value > (min + max) / 2}
              aria-pressed={mark.value === draft}
              title={mark.title}
              style={{ "--share": share(mark.value) }}
              onClick={() => {
                change(mark.value);
                release();
              }}
            >
              {mark.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** Return the stop that is closest to `value`. */
export function nearest(stops: readonly number[], value: number): number {
  return stops.reduce((best, stop) => (Math.abs(stop - value) < Math.abs(best - value) ? stop : best));
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowUp: 1,
  PageUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageDown: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** Return the stop to which a key leads; undefined for other keys. */
function stopFrom(stops: readonly number[], value: number, key: string): number | undefined {
  const step = STEPS[key];
  if (step === undefined) {
    return undefined;
  }
  const to = stops.indexOf(nearest(stops, value)) + step;
  return stops[Math.min(Math.max(to, 0), stops.length - 1)];
}

/** A draft of the committed value; `change` commits it after a rest, `release` at once. */
function useDraft(committed: number, commit: (value: number) => void) {
  const [draft, setDraft] = useState<number | null>(null);
  const waiting = useRef<{ timer: ReturnType<typeof setTimeout>; value: number } | null>(null);
  const latest = useRef(commit);
  latest.current = commit;

  function settle() {
    if (waiting.current) {
      clearTimeout(waiting.current.timer);
      const { value } = waiting.current;
      waiting.current = null;
      latest.current(value);
      setDraft(null);
    }
  }

  // a slider that goes away with its tab commits the value that it still holds
  useEffect(() => settle, []);
  return {
    draft: draft ?? committed,
    change: (value: number) => {
      clearTimeout(waiting.current?.timer);
      waiting.current = { timer: setTimeout(settle, REST_MS), value };
      setDraft(value);
    },
    release: settle,
  };
}
