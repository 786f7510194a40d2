/** Settings that are rarely changed: method, order, colours, theme; and a reset of all settings. */

import { percent } from "../../lib/format";
import type { Store } from "../../state/store";
import { Select } from "../../ui/Field";
import { Refused } from "../../ui/Notices";

const PALETTES: Readonly<Record<string, string>> = {
  house: "pink and blue",
  safe: "orange and purple (colour-blind safe)",
};

const THEMES = [
  { value: "auto", label: "same as the notebook" },
  { value: "light", label: "light" },
  { value: "dark", label: "dark" },
];

const ORDERS: Readonly<Record<number, string>> = {
  1: "1: main effects",
  2: "2: main effects and pairs",
  3: "3: main effects, pairs, triples",
};

/** Targets of the relative standard error. */
const TARGETS = [0.05, 0.02, 0.01];

/** Settings and requests whose refusal this panel shows. */
export const SETTINGS_REFUSALS = ["method", "order", "stop_at", "palette", "theme", "reset"];

export function Settings({ store }: { store: Store }) {
  const { palette, theme, options, live, offline } = store.wire;
  return (
    <div class="fx-settings">
      <MethodAndOrder store={store} />
      {live.value && <Target store={store} />}
      <Select
        label="colours"
        name="palette"
        value={palette.value}
        options={Object.keys(options.value.palettes).map((name) => ({
          value: name,
          label: PALETTES[name] ?? name,
        }))}
        change={(value) => store.commit("palette", value)}
      />
      <Select
        label="theme"
        name="theme"
        value={theme.value}
        options={THEMES}
        change={(value) => store.commit("theme", value)}
      />
      <div class="fx-field">
        <span>all settings</span>
        <button
          type="button"
          class="fx-button"
          data-action="reset"
          title="Restore the initial value of every setting"
          onClick={() => store.ask({ type: "reset" })}
        >
          Reset
        </button>
      </div>
      {!live.value && (
        <p class="fx-hint">
          Method and order cannot be changed. {offline.value?.why ?? "This explanation has no model."}
        </p>
      )}
      <Refused store={store} names={SETTINGS_REFUSALS} />
    </div>
  );
}

function MethodAndOrder({ store }: { store: Store }) {
  const { method, order, options, live } = store.wire;
  const { methods } = options.value;
  const chosen = methods.find(({ name }) => name === method.value);
  const orders = chosen?.orders ?? [order.value];
  const only =
    chosen && orders.length === 1 && orders[0] === 1
      ? `This method, ${chosen.label}, has no interactions.`
      : "";
  return (
    <>
      <Select
        label="method"
        name="method"
        value={method.value}
        options={(chosen ? methods : [{ name: method.value, label: method.value }, ...methods]).map(
          ({ name, label }) => ({ value: name, label }),
        )}
        disabled={!live.value}
        change={(value) => store.commit("method", value)}
      />
      <Select
        label="order"
        name="order"
        value={String(order.value)}
        options={[...new Set([...orders, order.value])]
          .sort()
          .map((value) => ({ value: String(value), label: ORDERS[value] ?? String(value) }))}
        disabled={!live.value || orders.length < 2}
        note={only}
        change={(value) => store.commit("order", Number(value))}
      />
    </>
  );
}

/** The relative standard error at which encoding stops; without one, the whole budget is spent. */
function Target({ store }: { store: Store }) {
  const now = store.wire.stop_at.value ?? null;
  const targets = [...new Set([...TARGETS, ...(now === null ? [] : [now])])].sort((a, b) => b - a);
  return (
    <Select
      label="stop when precise"
      name="stop_at"
      value={now === null ? "" : String(now)}
      options={[
        { value: "", label: "no: spend the budget" },
        ...targets.map((target) => ({
          value: String(target),
          label: `at ${percent(target)} standard error`,
        })),
      ]}
      note="relative to the largest term; for FIxLIP and Banzhaf values"
      change={(value) => store.commit("stop_at", value === "" ? null : Number(value))}
    />
  );
}
