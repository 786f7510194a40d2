/** A slider whose value is only a draft while it is dragged, and is committed on release or after a moment of rest. */

import { useEffect, useRef, useState } from "preact/hooks";

const REST_MS = 150;

export interface Tick {
  readonly value: number;
  readonly label: string;
}

export interface SliderProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly ticks?: readonly Tick[];
  /** The value, short and for everybody who looks or listens. */
  readonly name: (value: number) => string;
  /** What else there is to know about a value. */
  readonly note?: (value: number) => string;
  readonly commit: (value: number) => void;
}

export function Slider(props: SliderProps) {
  const { id, label, min, max, step, ticks = [] } = props;
  const { draft, change, release } = useDraft(props.value, props.commit);
  const share = (value: number) => `${(100 * (value - min)) / (max - min)}%`;
  return (
    <div class="fx-slider">
      <div class="fx-slider-head">
        <label for={id}>
          {label} <b>{props.name(draft)}</b>
        </label>
        {props.note && <span class="fx-note">{props.note(draft)}</span>}
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={draft}
        aria-valuetext={[props.name(draft), props.note?.(draft)].filter(Boolean).join(", ")}
        style={{ "--share": share(Math.min(Math.max(draft, min), max)) }}
        onInput={(event) => change(event.currentTarget.valueAsNumber)}
        onPointerUp={release}
      />
      {ticks.length > 0 && (
        <div class="fx-ticks" aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick.value} style={{ "--share": share(tick.value) }}>
              {tick.label}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

/** A value that runs ahead of the committed one; `release` commits at once what would be committed after the rest. */
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

  useEffect(() => () => clearTimeout(waiting.current?.timer), []);
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
