/** The menu of downloads: the picture and the graph as SVG or PNG, and all terms as CSV. Saved pages have it too. */

import { render } from "preact";
import { useRef } from "preact/hooks";
import { count } from "../lib/format";
import type { Explanation } from "../model/explanation";
import { textWord } from "../model/players";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Menu, type MenuItem } from "../ui/Menu";
import { Graph } from "../views/graph/Graph";
import { embedded, png, save, saveText } from "./files";
import { fileName, fileState, fileTitle } from "./naming";
import { svgOf } from "./svg";
import { csvOf } from "./terms";

export function Download({ store }: { store: Store }) {
  const here = useRef<HTMLSpanElement>(null);
  const shown = store.view.explanation.value;
  if (!shown) {
    return null;
  }
  const view = () => here.current?.closest(".fixlip") as HTMLElement;
  const picture = async () => drawing(store, view(), view().querySelector(".fx-stage"), "--bg");
  const graph = async () => {
    const opened = view().querySelector(".fx-graph > svg");
    return opened
      ? drawing(store, view(), opened, "--panel")
      : withGraph(store, view(), (drawn) => drawing(store, view(), drawn, "--panel"));
  };
  const maps = async () => drawing(store, view(), view().querySelector(".fx-maps"), "--panel");
  const onMaps = store.view.level.value === "all" && store.wire.view.value === "maps" && shown.order >= 2;
  const whyNot = shown.order < 2 ? "This method has no interactions." : "";
  const words = textWord(shown).many;
  const items: MenuItem[] = [
    ...pictures(store, "picture", `Picture and ${words}`, "", picture),
    ...pictures(store, "graph", "Graph", whyNot, graph),
    ...(onMaps ? pictures(store, "maps", "Maps", "", maps) : []),
    {
      name: "csv",
      label: `${termCount(shown)}, CSV`,
      note: missingTerms(shown),
      why: "",
      run: () => saveText(`${fileName(store, "terms")}.csv`, csvOf(shown), "text/csv"),
    },
  ];
  return (
    <span ref={here} class="fx-download">
      <Menu id={`${store.id}-download`} action="download" title="Download what the view shows" items={items}>
        <Icon name="download" />
        <span>Download</span>
      </Menu>
    </span>
  );
}

type Drawing = ReturnType<typeof svgOf>;

/** Return the entries for one drawing, as SVG and as PNG. */
function pictures(
  store: Store,
  what: string,
  label: string,
  why: string,
  draw: () => Promise<Drawing>,
): MenuItem[] {
  const guarded = (write: (file: Drawing) => Promise<void> | void) => () => {
    draw()
      .then(write)
      .catch((error: Error) => {
        const message = `The browser could not make this file: ${error.message}`;
        store.view.refusal.value = { type: "refused", name: "download", message };
      });
  };
  return [
    {
      name: `${what}-svg`,
      label: `${label}, SVG`,
      why,
      run: guarded(({ text }) => saveText(`${fileName(store, what)}.svg`, text, "image/svg+xml")),
    },
    {
      name: `${what}-png`,
      label: `${label}, PNG`,
      why,
      run: guarded(async (file) => save(`${fileName(store, what)}.png`, await png(file.text, file))),
    },
  ];
}

/** Return the file of a drawing on the screen. */
async function drawing(
  store: Store,
  view: HTMLElement,
  root: Element | null,
  ground: "--bg" | "--panel",
): Promise<Drawing> {
  if (!root) {
    throw new Error("The drawing is not on the screen.");
  }
  const url = store.view.picture.value;
  const pictures = new Map(url ? [[url, await embedded(url)]] : []);
  const style = getComputedStyle(view);
  const background = ground === "--bg" ? style.backgroundColor : style.getPropertyValue(ground).trim();
  return svgOf(root, { title: fileTitle(store), description: fileState(store), background, pictures });
}

const GRAPH_WIDTH = 760;

/** Draw the graph beside the window, and call `use` with its SVG. */
async function withGraph<Result>(
  store: Store,
  view: HTMLElement,
  use: (svg: Element | null) => Promise<Result>,
): Promise<Result> {
  const place = document.createElement("div");
  place.className = "fx-offscreen";
  place.style.width = `${GRAPH_WIDTH}px`;
  place.inert = true;
  view.append(place);
  try {
    render(<Graph store={store} />, place);
    // the graph measures its place first
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return await use(place.querySelector(".fx-graph > svg"));
  } finally {
    render(null, place);
    place.remove();
  }
}

/** "All 1,654 terms", or "1,754 terms" if the view has not all of them. */
function termCount(of: Explanation): string {
  const pairs = of.order < 2 ? 0 : (of.nPlayers * (of.nPlayers - 1)) / 2;
  const terms = `${count(1 + of.nPlayers + pairs + of.triples.length)} terms`;
  return missingTerms(of) ? terms : `All ${terms}`;
}

/** Return which terms the view has not got: the kernel sends only the strongest third-order terms. */
function missingTerms({ order, nImage, nPlayers, triples }: Explanation): string {
  const nText = nPlayers - nImage;
  const all = (nImage * (nImage - 1) * nText + nImage * nText * (nText - 1)) / 2;
  return order > 2 && triples.length < all ? `only the ${triples.length} strongest of third order` : "";
}
