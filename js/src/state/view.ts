/** What one view shows, derived from what came over the wire, and what only this view knows (pointer, tool, places). */

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { onDark, type Palette } from "../lib/colour";
import type { Point } from "../lib/geometry";
import { lasting } from "../lib/lasting";
import { type Theme, watchTheme } from "../lib/theme";
import { type Arc, arcsFrom } from "../model/arcs";
import { type ClassMap, type ClassRow, captionOf, mapsFrom, rowsOf } from "../model/classes";
import { type Explanation, valuesFor } from "../model/explanation";
import { type Outlines, outlinesOf } from "../model/outlines";
import type { Board } from "../model/players";
import { type BlockLimits, blockLimits, type Scales, scalesOf, widest } from "../model/scales";
import type { Sides } from "../model/sides";
import { decodeIfKnown } from "../wire/arrays";
import type { Graph, Group, Picture, Refusal, Shown, Status, Subset, Subsets, Traits } from "../wire/types";
import { activePlayers, answerFor, comparison, groupFor, isOf, subsetFor } from "./comparison";
import type { Connection } from "./connection";
import { type Colouring, type WordColours, wordColours } from "./first-sight";
import { type Level, levelOf } from "./level";

/** Milliseconds within which an answer comes at once, to a person who watches. */
const AT_ONCE = 150;

/** What a click on a player does: select it, or hide it from the model. */
export type Tool = "select" | "hide";

export interface ViewState {
  /**
   * The kernel's status; `running` from a request for a refinement on, unless its result comes at once: a view that
   * changes its look for a moment flickers, and drawing that takes longer than the kernel's answer.
   */
  readonly status: ReadonlySignal<Status>;
  /** The last setting or request of this view that the kernel rejected, with the reason. */
  readonly refusal: Signal<Refusal | null>;
  readonly level: ReadonlySignal<Level>;
  readonly tool: Signal<Tool>;
  /** Whether every click adds to the selection, and a finger draws areas, as with Shift. */
  readonly several: Signal<boolean>;
  /** Players under the pointer or with the keyboard's focus: two for an interaction. */
  readonly pointed: Signal<readonly number[]>;
  /** The first of `pointed`. */
  readonly hovered: ReadonlySignal<number | null>;
  /** Nodes of the graph that the user moved: node → place in the unit square. */
  readonly moved: Signal<ReadonlyMap<number, Point>>;
  /** The explanation on screen: the current one, the pinned one, or their difference. */
  readonly explanation: ReadonlySignal<Explanation | null>;
  /** Which of the three `explanation` is; `current` without a pinned explanation. */
  readonly shown: ReadonlySignal<Shown>;
  /** The kernel's graph of `explanation`; null before the kernel sent it. */
  readonly graph: ReadonlySignal<Graph | null>;
  /** Whether `explanation` is of an earlier caption, because the result for the present one did not come at once. */
  readonly stale: ReadonlySignal<boolean>;
  /** Explanations that share the colour scales, `explanation` included. */
  readonly compared: ReadonlySignal<readonly Explanation[]>;
  /** A, B and B − A; null unless both A and B are there, in one unit and of one kind of order. */
  readonly sides: ReadonlySignal<Sides | null>;
  /** Whether A and B are beside B − A wherever that is shown. */
  readonly beside: Signal<boolean>;
  /** `sides` if the three are on screen, else null. */
  readonly sideBySide: ReadonlySignal<Sides | null>;
  /** Players whose interactions give the colours: the selected ones, else the hovered one, else none. */
  readonly active: ReadonlySignal<readonly number[]>;
  readonly board: ReadonlySignal<Board>;
  /** Outlines of the image players in the picture. */
  readonly outlines: ReadonlySignal<Outlines>;
  /** (n,) main effects, or interactions with the active players. */
  readonly values: ReadonlySignal<Float32Array | null>;
  /** What colours the picture while no player is active, if there is a choice. */
  readonly colouring: Signal<Colouring>;
  /** Colours of the words and of their patches; null if the explanation has none. */
  readonly words: ReadonlySignal<WordColours | null>;
  /** `words` if they are on screen: chosen, and no player is active or being hidden. */
  readonly firstSight: ReadonlySignal<WordColours | null>;
  /** Arcs over the picture; none while the user hides players. */
  readonly arcs: ReadonlySignal<readonly Arc[]>;
  /** The kernel's sums for the selected players; null before its answer for this selection. */
  readonly group: ReadonlySignal<Group | null>;
  /** (n,) standard errors of the selected players' summed interactions with each other player, if known. */
  readonly groupErrors: ReadonlySignal<Float32Array | null>;
  /** The kernel's best subsets of `explanation`; null before the kernel sent them. */
  readonly subsets: ReadonlySignal<Subsets | null>;
  /** The best subset of the chosen size; null for size 0, or before the kernel sent it. */
  readonly subset: ReadonlySignal<Subset | null>;
  /** The classes, the most probable one first; null if an image–caption pair is explained. */
  readonly classRows: ReadonlySignal<readonly ClassRow[] | null>;
  /** Maps of the most probable classes; null before the kernel sent them. */
  readonly classMaps: ReadonlySignal<readonly ClassMap[] | null>;
  /** Ends of the colour scales of `values`. */
  readonly scales: ReadonlySignal<Scales>;
  /** Largest interactions of each block, over `compared`. */
  readonly limits: ReadonlySignal<BlockLimits>;
  readonly palette: ReadonlySignal<Palette>;
  readonly dark: ReadonlySignal<boolean>;
  /** URL of the picture, valid until the view closes. */
  readonly picture: ReadonlySignal<string | null>;
  /** URL of the picture that the model sees with every image player removed. */
  readonly blank: ReadonlySignal<string | null>;
  /** URL of the playground's picture, as the encoder sees it. */
  readonly seen: ReadonlySignal<string | null>;
}

/** @param releases receives functions to call when the view closes. */
export function createView({ wire, pending, refusal }: Connection, releases: (() => void)[]): ViewState {
  const tool = signal<Tool>("select");
  const moved = signal<ReadonlyMap<number, Point>>(new Map());
  const pointed = signal<readonly number[]>([]);
  const hostTheme = signal<Theme>("light");
  releases.push(watchTheme((theme) => (hostTheme.value = theme)));
  const dark = computed(() => (wire.theme.value === "auto" ? hostTheme.value : wire.theme.value) === "dark");
  const { shown, explanation, compared, sides } = comparison(wire, wire.result);
  const beside = signal(false);
  releases.push(
    wire.compare_with.subscribe((caption) => {
      beside.value ||= Boolean(caption);
    }),
  );
  const board = computed<Board>(() => {
    const scene = wire.scene.value;
    return explanation.value ?? { ...scene, regions: Boolean(scene.regions) };
  });
  // moved nodes are meaningful only in their layout and for the words of their caption
  const caption = computed(() => board.value.tokens.join("\n"));
  for (const other of [wire.graph_layout, caption]) {
    releases.push(
      other.subscribe(() => {
        moved.value = new Map();
      }),
    );
  }
  const hovered = computed(() => pointed.value[0] ?? null);
  const active = computed(() => activePlayers(wire.selection.value, hovered.value, explanation.value));
  const belonging = <Answer extends Graph | Group | Subsets>(answer: Answer | null) =>
    answerFor(answer, shown.value, wire.result.value);
  const subsets = computed(() => belonging(wire.subsets.value));
  const group = computed(() => groupFor(belonging(wire.group.value), wire.selection.value));
  const level = levelOf(wire.level);
  const colouring = signal<Colouring>("words");
  releases.push(
    level.subscribe((now) => {
      if (now === "simple") {
        colouring.value = "words"; // the choice of the colours is at the other level
      }
    }),
  );
  const words = wordColours({ explanation, shown, compared, options: wire.options });
  const wanted = computed(() => captionOf(wire.chosen.value ?? []) || wire.text.value);
  const classRows = computed(() => {
    const { candidates, played, removed, classes } = wire;
    const masked = isOf(played.value, removed.value) ? decodeIfKnown(played.value.probabilities) : null;
    const rows = candidates.value && rowsOf(candidates.value, removed.value.length > 0 ? masked : undefined);
    const exist = new Set(classes.value);
    return rows?.filter(({ name }) => exist.has(name)) ?? null;
  });
  const earlier = computed(() => {
    const current = shown.value === "pinned" ? null : wire.result.value;
    return current !== null && current.caption !== wanted.value;
  });
  const running = computed(() => pending.value || wire.status.value === "running");
  const slow = lasting(running, AT_ONCE, releases);
  const before = signal<Status>("idle");
  releases.push(
    effect(() => {
      if (!running.value) {
        before.value = wire.status.value;
      }
    }),
  );
  const limits = computed(() => widest(compared.value.map(blockLimits)));
  return {
    status: computed(() => {
      if (!running.value) {
        return wire.status.value;
      }
      return slow.value || wire.result.value === null ? "running" : before.value;
    }),
    refusal,
    level,
    tool,
    several: signal(false),
    pointed,
    hovered,
    moved,
    explanation,
    graph: computed(() => belonging(wire.graph.value)),
    stale: lasting(earlier, AT_ONCE, releases),
    shown,
    compared,
    sides,
    beside,
    sideBySide: computed(() => (beside.value && shown.value === "difference" ? sides.value : null)),
    active,
    board,
    outlines: computed(() => outlinesOf(wire.scene.value)),
    values: computed(() => explanation.value && valuesFor(explanation.value, active.value)),
    colouring,
    words,
    firstSight: computed(() =>
      colouring.value === "words" && active.value.length === 0 && tool.value === "select"
        ? words.value
        : null,
    ),
    arcs: computed(() =>
      explanation.value && tool.value === "select" ? arcsFrom(explanation.value, active.value) : [],
    ),
    group,
    groupErrors: computed(() => decodeIfKnown(group.value?.se)),
    subsets,
    subset: computed(() => subsetFor(subsets.value, wire.subset_size.value, wire.subset_sign.value)),
    classRows,
    classMaps: computed(() => wire.class_maps.value && mapsFrom(wire.class_maps.value)),
    scales: computed(() => scalesOf(compared.value, limits.value, active.value)),
    limits,
    palette: computed(() => paletteOf(wire.options.value, wire.palette.value, dark.value)),
    dark,
    picture: pictureUrl(() => wire.scene.value.image, releases),
    blank: pictureUrl(() => wire.scene.value.masking?.blank, releases),
    seen: pictureUrl(() => wire.played.value?.picture, releases),
  };
}

/** Background of the views in the dark theme, as in the style sheet. */
const DARK_PANEL = "#1c1d23";

function paletteOf(options: Traits["options"], name: string, dark: boolean): Palette {
  const [positive, negative] = options.palettes[name] ?? ["#ff0d57", "#1e88e5"];
  return dark ? onDark({ positive, negative }, DARK_PANEL) : { positive, negative };
}

/**
 * Return the object URL of a picture that may change. It is released when the picture changes or the view closes.
 *
 * @param picture called again whenever a signal in it changes.
 * @param releases receives a function to call when the view closes.
 */
function pictureUrl(
  picture: () => Picture | null | undefined,
  releases: (() => void)[],
): ReadonlySignal<string | null> {
  let shown: { data: DataView; url: string } | null = null;
  const release = () => {
    if (shown) {
      URL.revokeObjectURL(shown.url);
    }
  };
  releases.push(release);
  return computed(() => {
    const image = picture();
    if (!image) {
      return null;
    }
    if (shown?.data !== image.data) {
      release();
      // copied, because a Blob does not accept a shared buffer
      const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength).slice();
      shown = { data: image.data, url: URL.createObjectURL(new Blob([bytes], { type: image.mime })) };
    }
    return shown.url;
  });
}
