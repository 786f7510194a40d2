/** The slider of p, and what the sliders of settings have in common. */

import { budgetName, count, probability } from "../lib/format";
import type { Store } from "../state/store";
import { Definition } from "../ui/Definition";
import { Refused } from "../ui/Notices";
import { Slider } from "../ui/Slider";

const P_TICKS = [0.1, 0.3, 0.5, 0.7, 0.9];

export function KeepProbability({ store }: { store: Store }) {
  return (
    <div>
      <ProbabilitySlider store={store} />
      <Refused store={store} names={["p"]} />
    </div>
  );
}

function ProbabilitySlider({ store }: { store: Store }) {
  const { p, offline } = store.wire;
  const stops = offline.value?.p;
  const [min, max] = stops ? ends(stops) : [0.1, 0.9];
  const all = store.view.level.value === "all";
  return (
    <Slider
      id={`${store.id}-p`}
      label="keep probability"
      about={<Definition of="p" name="keep probability" />}
      name={(value) => `p = ${probability(value)}`}
      note={(value) => (all ? otherBudgets(store, value) || effective(store, value) : "")}
      value={p.value}
      min={min}
      max={max}
      step={0.05}
      {...(stops && { stops })}
      ticks={(stops ? thinned(stops) : P_TICKS).map((value) => ({
        value,
        label: probability(value).replace(/^0/, ""),
        absent: all && otherBudgets(store, value) !== "",
      }))}
      idle={idleWhy(store, "p")}
      commit={(value) => store.commit("p", Math.round(value * 1000) / 1000)}
    />
  );
}

/** Return "only with 2¹⁷" if a saved page has the shown budget not at this p; else an empty string. */
function otherBudgets(store: Store, p: number): string {
  const { offline, budget } = store.wire;
  const there = offline.value?.pairs.filter((pair) => pair[0] === p).map(([, size]) => size) ?? [];
  return there.length === 0 || there.includes(budget.value)
    ? ""
    : `only with ${there.map(budgetName).join(", ")}`;
}

function effective(store: Store, p: number): string {
  const shown = store.wire.result.value;
  const masks = shown?.p === p ? shown.effective_image_masks : null;
  return masks == null ? "" : `${count(masks)} effective masks`;
}

/** Return why the method ignores a slider, or an empty string. */
export function idleWhy(store: Store, of: "p" | "budget"): string {
  const { options, method } = store.wire;
  const chosen = options.value.methods.find(({ name }) => name === method.value);
  if (!chosen || (of === "p" ? chosen.uses_p : chosen.uses_budget)) {
    return "";
  }
  return `not used by ${chosen.label}`;
}

export function ends(stops: readonly number[]): [number, number] {
  return [stops[0] ?? 0, stops.at(-1) ?? 1];
}

/** Return at most six of the stops, because more labels would overlap. */
export function thinned(stops: readonly number[]): readonly number[] {
  const every = Math.ceil(stops.length / 6);
  return stops.filter((_, index) => index % every === 0);
}
