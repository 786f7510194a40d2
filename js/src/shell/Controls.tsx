/** Sliders of p and of the budget with its cost, and example masks at p. */

import { budgetName, costLine, count, percent, probability } from "../lib/format";
import type { Explanation } from "../model/explanation";
import { Strip } from "../panels/masks/Examples";
import type { Store } from "../state/store";
import { Definition } from "../ui/Definition";
import { Refused } from "../ui/Notices";
import { Slider } from "../ui/Slider";
import { ends, idleWhy, KeepProbability, thinned } from "./KeepProbability";

const BUDGET_TICKS = [8, 11, 14, 17, 20, 22];

export interface ControlsProps {
  readonly store: Store;
  /** Whether the panel of masks is open, and a function that opens or closes it. */
  readonly examples: boolean;
  readonly toggleExamples: () => void;
}

export function Controls({ store, examples, toggleExamples }: ControlsProps) {
  return (
    <div class="fx-controls">
      <KeepProbability store={store} />
      <div>
        <Budget store={store} />
        <Precision store={store} />
        <Refused store={store} names={["budget", "more"]} />
      </div>
      <Strip store={store} open={examples} toggle={toggleExamples} />
    </div>
  );
}

function Budget({ store }: { store: Store }) {
  const { budget, offline } = store.wire;
  // a whole array is a stop beside the powers of two
  const whole = Object.values(store.wire.costs.value).flatMap(({ whole_array }) => whole_array ?? []);
  // all budgets of the page have a tick, and those that only other p have are crossed out
  const saved = distinct(offline.value?.pairs.map(([, size]) => Math.log2(size)) ?? []);
  const [lowest, highest] = offline.value ? ends(saved) : exponents(store);
  const powers = Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);
  const stops = offline.value?.budgets.map(Math.log2) ?? distinct([...powers, ...whole.map(Math.log2)]);
  const ticks = offline.value ? thinned(saved) : BUDGET_TICKS.filter((at) => at >= lowest && at <= highest);
  const budgetOf = (exponent: number) => {
    // a budget from Python or from a saved page may not be a power of two
    const exact = [budget.value, ...whole, ...(offline.value?.pairs.map(([, size]) => size) ?? [])];
    return exact.find((value) => Math.log2(value) === exponent) ?? 2 ** exponent;
  };
  return (
    <Slider
      id={`${store.id}-budget`}
      label="budget"
      about={<Definition of="budget" name="budget" />}
      name={(exponent) => budgetName(budgetOf(exponent))}
      note={(exponent) => cost(store, budgetOf(exponent))}
      value={Math.log2(budget.value)}
      min={lowest}
      max={highest}
      step={1}
      stops={stops}
      ticks={ticks.map((value) => ({
        value,
        label: budgetName(budgetOf(value)),
        absent: !stops.includes(value),
      }))}
      marks={whole.map((size) => ({
        value: Math.log2(size),
        label: "whole array",
        title: `${count(size)} evaluations: the image masks are one whole orthogonal array, the most accurate use of them`,
      }))}
      idle={idleWhy(store, "budget")}
      commit={(exponent) => store.commit("budget", budgetOf(exponent))}
    />
  );
}

/** How precise the result is, and an offer to spend more. */
function Precision({ store }: { store: Store }) {
  const { result, stop_at, live } = store.wire;
  const shown = result.value;
  if (!shown || shown.partial || store.view.stale.value) {
    return null;
  }
  const said = [arraySentence(shown), precisionSentence(shown, stop_at.value ?? null)].filter(Boolean);
  return said.length === 0 ? null : (
    <div class="fx-precision" role="status">
      <span>{said.join(" ")}</span>
      {live.value && stop_at.value != null && store.view.status.value !== "running" && (
        <button
          type="button"
          class="fx-link"
          data-action="more"
          title="Twice the budget that this result has; standard errors become about 0.7 times as large"
          onClick={() => store.ask({ type: "more" })}
        >
          Double the budget
        </button>
      )}
    </div>
  );
}

function arraySentence({ whole_arrays = 0, effective_image_masks }: Explanation): string {
  if (whole_arrays === 0) {
    return "";
  }
  const arrays =
    whole_arrays === 1 ? "one whole orthogonal array" : `${whole_arrays} whole orthogonal arrays`;
  return `The ${count(effective_image_masks ?? 0)} image masks are ${arrays}: main effects and pairs are exactly uncorrelated.`;
}

/** "Precise enough: …" if the relative standard error is at most `target`; an empty string without a target. */
function precisionSentence({ relative_error }: Explanation, target: number | null): string {
  if (target === null || relative_error == null) {
    return "";
  }
  const error = `the typical standard error is ${percent(relative_error)} of the largest term`;
  return relative_error <= target
    ? `Precise enough: ${error} (target ${percent(target)}).`
    : `Not yet precise enough: ${error} (target ${percent(target)}).`;
}

/** Return where a saved page has other budgets or, if that is nowhere, this one; an empty string if all p have the same. */
function placesOf(store: Store, budget: number): string {
  const { p = [], budgets = [], pairs = [] } = store.wire.offline.value ?? {};
  const at = (wanted: (size: number) => boolean) =>
    distinct(pairs.filter(([, size]) => wanted(size)).map(([each]) => each));
  const others = at((size) => !budgets.includes(size));
  const own = at((size) => size === budget);
  if (others.length > 0) {
    return `; other budgets at p = ${others.map(probability).join(", ")}`;
  }
  return own.length < p.length ? `; only at p = ${own.map(probability).join(", ")}` : "";
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function exponents(store: Store): [number, number] {
  const offered = Object.keys(store.wire.costs.value).map(Number).filter(Number.isInteger);
  return offered.length > 0 ? [Math.min(...offered), Math.max(...offered)] : [8, 22];
}

function cost(store: Store, budget: number): string {
  const { costs, offline } = store.wire;
  const unit = store.wire.candidates.value ? "masks" : "evaluations";
  const known =
    costs.value[String(Math.log2(budget))] ??
    Object.values(costs.value).find(({ whole_array }) => whole_array === budget);
  if (offline.value) {
    return `${count(budget)} ${unit}, computed in advance${placesOf(store, budget)}`;
  }
  return known ? costLine(known) : `${count(budget)} ${unit}`;
}
