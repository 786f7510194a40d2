/** Small controls: an icon, a labelled select, a row of choices. */

import type { ComponentChildren } from "preact";

const PATHS = {
  download: "M8 2v8M4.8 7.2 8 10.4l3.2-3.2M2.5 13.5h11",
  check: "M3.5 8.5l3 3 6-7",
  close: "M4 4l8 8M12 4l-8 8",
  descending: "M3 4h10M3 8h7M3 12h4",
  ascending: "M3 4h4M3 8h7M3 12h10",
  edit: "M11.3 2.3a1.4 1.4 0 0 1 2 0l.4.4a1.4 1.4 0 0 1 0 2L6 12.4l-3.2.8.8-3.2z",
  hide: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM2.5 14.5l11-13",
  swap: "M3 5h9M9 2l3 3-3 3M13 11H4M7 8l-3 3 3 3",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a3.75 3.75 0 0 1 0 7.5H6",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="fx-glyph" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

interface SelectProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly options: readonly Option[];
  readonly disabled?: boolean;
  /** Additional text below the select. */
  readonly note?: string;
  readonly change: (value: string) => void;
}

/** A select under its label; `data-setting` is its name. */
export function Select({ label, name, value, options, disabled = false, note = "", change }: SelectProps) {
  return (
    <label class="fx-field">
      <span>{label}</span>
      <select
        class="fx-select"
        data-setting={name}
        value={value}
        disabled={disabled}
        onChange={(event) => change(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {note && <small>{note}</small>}
    </label>
  );
}

interface ChoicesProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (Option & { readonly title: string; readonly disabled?: boolean })[];
  readonly change: (value: string) => void;
  readonly children?: ComponentChildren;
}

/** Two or three choices side by side; `data-choice` is the value of each. */
export function Choices({ label, value, options, change, children }: ChoicesProps) {
  return (
    <div class="fx-choices" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          title={option.title}
          data-choice={option.value}
          disabled={option.disabled}
          aria-pressed={option.value === value}
          onClick={() => change(option.value)}
        >
          {option.label}
        </button>
      ))}
      {children}
    </div>
  );
}
