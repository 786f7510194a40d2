/** The two sliders that a refinement depends on: p and budget. */

import { budgetName, count, probability } from "../format";
import type { Store } from "../store";
import { Slider } from "./Slider";

const P_TICKS = [0.1, 0.3, 0.5, 0.7, 0.9].map((value) => ({ value, label: String(value).slice(1) }));

export function Controls({ store }: { store: Store }) {
  const { p, budget } = store.traits;
  const [lowest, highest] = exponents(store);
  const ticks = [8, 11, 14, 17, 20, 22].filter((value) => value >= lowest && value <= highest);
  return (
    <div class="fx-controls">
      <Slider
        id={`${store.id}-p`}
        label="keep probability"
        name={(value) => `p = ${probability(value)}`}
        note={(value) => effective(store, value)}
        value={p.value}
        min={0.1}
        max={0.9}
        step={0.05}
        ticks={P_TICKS}
        commit={(value) => store.commit("p", Math.round(value * 100) / 100)}
      />
      <Slider
        id={`${store.id}-budget`}
        label="budget"
        name={(exponent) => budgetName(budgetOf(exponent, budget.value))}
        note={(exponent) => cost(store, budgetOf(exponent, budget.value))}
        value={Math.log2(budget.value)}
        min={lowest}
        max={highest}
        step={1}
        ticks={ticks.map((value) => ({ value, label: budgetName(2 ** value) }))}
        commit={(exponent) => store.commit("budget", 2 ** exponent)}
      />
    </div>
  );
}

/** A budget that was set in Python need not be a power of two. */
function budgetOf(exponent: number, budget: number): number {
  return Math.log2(budget) === exponent ? budget : 2 ** exponent;
}

function exponents(store: Store): [number, number] {
  const offered = Object.keys(store.traits.costs.value).map(Number);
  return offered.length > 0 ? [Math.min(...offered), Math.max(...offered)] : [8, 22];
}

function effective(store: Store, p: number): string {
  const shown = store.explanation.value;
  const masks = shown?.p === p ? shown.effective_image_masks : null;
  return masks == null ? "" : `${count(masks)} effective image masks`;
}

function cost(store: Store, budget: number): string {
  const encodings = store.traits.costs.value[String(Math.log2(budget))];
  const evaluations = `${count(budget)} evaluations`;
  return encodings
    ? `${evaluations} · ${count(encodings.image)} + ${count(encodings.text)} encodings`
    : evaluations;
}
