/** Caption, facts about the explanation, status, and buttons. */

import { Download } from "../downloads/Download";
import { budgetName, count, duration, plain, signed } from "../lib/format";
import { scoreName } from "../model/explanation";
import type { Store } from "../state/store";
import { Definition, type TermName } from "../ui/Definition";
import { Icon } from "../ui/Field";
import type { Progress } from "../wire/types";
import { Caption } from "./Caption";
import { Question } from "./Classes";

export function Header({ store }: { store: Store }) {
  return (
    <header class="fx-header">
      {store.wire.candidates.value ? <Question store={store} /> : <Caption store={store} />}
      <div class="fx-run">
        <Status store={store} />
        <Undo store={store} />
        <RunButton store={store} />
        <Download store={store} />
        <LevelSwitch store={store} />
      </div>
      {store.view.level.value === "all" && <Facts store={store} />}
    </header>
  );
}

/** A progress bar, and the line below the header. */
export function Bar({ store }: { store: Store }) {
  const running = store.view.status.value === "running";
  const fraction = store.wire.progress.value?.fraction ?? 0;
  return (
    <div class="fx-progress" aria-hidden="true" style={{ "--share": `${running ? 100 * fraction : 0}%` }} />
  );
}

function Facts({ store }: { store: Store }) {
  const shown = store.view.explanation.value;
  const { model } = store.wire.scene.value;
  const difference = store.view.shown.value === "difference";
  const why = store.wire.offline.value?.why;
  const empty = shown?.empty_similarity;
  return (
    <div class="fx-facts" aria-busy={store.view.stale.value}>
      {model && <span title="The encoder that is explained">{model}</span>}
      {shown?.similarity != null && (
        <Fact
          name={scoreName(shown)}
          of={scoreName(shown)}
          more={
            difference
              ? "Here: that of B minus that of A."
              : empty == null
                ? ""
                : `With everything hidden, it is ${plain(empty)}.`
          }
        >
          {difference ? `B − A ${signed(shown.similarity)}` : plain(shown.similarity)}
        </Fact>
      )}
      {shown?.r2 != null && (
        <Fact name="held-out R²" of="r2">
          {plain(shown.r2)}
        </Fact>
      )}
      {shown?.residual != null && !difference && (
        <Fact name="residual" of="residual">
          {signed(shown.residual)}
        </Fact>
      )}
      <TrustWord store={store} />
      {why && <span class="fx-why">{why}</span>}
    </div>
  );
}

interface FactProps {
  readonly name: string;
  readonly of: TermName;
  readonly more?: string;
  readonly children: string;
}

function Fact({ name, of, more = "", children }: FactProps) {
  return (
    <span>
      <Definition of={of} more={more}>
        {name}
      </Definition>{" "}
      <b>{children}</b>
    </span>
  );
}

/** How far the explanation can be trusted, in one word; nothing for B − A. */
export function TrustWord({ store, name = "trust" }: { store: Store; name?: string }) {
  const shown = store.view.explanation.value;
  if (!shown || store.view.shown.value === "difference") {
    return null;
  }
  const { word, why } = shown.trust ?? { word: "unknown", why: "" };
  return (
    <span class="fx-trust-word" data-trust={word}>
      <Definition of="trust" more={why}>
        {name}
      </Definition>{" "}
      <b>{word}</b>
    </span>
  );
}

/** The switch between the simple level and all controls. */
function LevelSwitch({ store }: { store: Store }) {
  const simple = store.view.level.value === "simple";
  return (
    <button
      type="button"
      class="fx-link fx-level"
      data-action="level"
      onClick={() => store.chooseLevel(simple ? "all" : "simple")}
    >
      {simple ? "Show all controls" : "Show less"}
    </button>
  );
}

function Status({ store }: { store: Store }) {
  const status = store.view.status.value;
  const progress = store.wire.progress.value;
  return (
    <span
      class="fx-status"
      data-status={status}
      title={status === "running" ? remaining(progress) : undefined}
    >
      {/* screen readers announce the states, but not every percent */}
      <span class="fx-dot" aria-hidden="true" />
      <span aria-hidden="true">{statusText(store, progress)}</span>
      <span class="fx-hidden" role="status">
        {status === "running" && !store.wire.silent.value ? "refining" : statusText(store, progress)}
      </span>
    </span>
  );
}

function statusText(store: Store, progress: Progress | null): string {
  const status = store.view.status.value;
  const shown = store.view.explanation.value;
  switch (status) {
    case "running":
      return store.wire.silent.value ? "not answering" : refining(progress);
    case "cancelled":
      return shown ? `cancelled at ${budgetName(shown.budget)}` : "cancelled";
    default:
      return status;
  }
}

function refining(progress: Progress | null): string {
  if (progress?.fraction == null) {
    return "refining";
  }
  const left = progress.seconds_left ?? 0;
  return `refining ${Math.floor(100 * progress.fraction)} %${left >= 2 ? ` · ${duration(left)}` : ""}`;
}

function remaining(progress: Progress | null): string {
  if (!progress) {
    return "Encoding masked images and captions";
  }
  const images = `${count(progress.image_done)} of ${count(progress.image_total)} images`;
  const texts = `${count(progress.text_done)} of ${count(progress.text_total)} captions`;
  const left = progress.seconds_left == null ? "" : `, ${duration(progress.seconds_left)} left`;
  return `${images} and ${texts} encoded${left}`;
}

function Undo({ store }: { store: Store }) {
  const last = store.wire.undoable.value;
  return (
    <button
      type="button"
      class="fx-icon"
      data-action="undo"
      aria-label={last ? `Undo ${last}` : "Undo: nothing to undo"}
      title={last ? `Undo ${last}` : "Nothing to undo"}
      disabled={last === ""}
      onClick={() => store.ask({ type: "undo" })}
    >
      <Icon name="undo" />
    </button>
  );
}

function RunButton({ store }: { store: Store }) {
  if (!store.wire.live.value) {
    return null;
  }
  const running = store.view.status.value === "running";
  return (
    <button
      type="button"
      class="fx-button"
      data-action={running ? "cancel" : "run"}
      onClick={() => store.ask({ type: running ? "cancel" : "run" })}
    >
      {running ? "Cancel" : "Run"}
    </button>
  );
}
