/** The menu of downloads: the picture and the graph as SVG or PNG, and all terms as CSV. Saved pages have it too. */

import { useRef } from "preact/hooks";
import { count } from "../lib/format";
import type { Explanation } from "../model/explanation";
import { textWord } from "../model/players";
import { loadDetails } from "../shell/details";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Menu, type MenuItem } from "../ui/Menu";
import type { FileKind } from "./download-file";

export function Download({ store }: { store: Store }) {
  const here = useRef<HTMLSpanElement>(null);
  const shown = store.view.explanation.value;
  if (!shown) {
    return null;
  }
  const item = (name: FileKind, label: string, { why = "", note = "" } = {}): MenuItem => ({
    name,
    label,
    note,
    why,
    run: () => {
      loadDetails(store)
        .then(({ downloadFile }) =>
          downloadFile(store, here.current?.closest(".fixlip") as HTMLElement, name),
        )
        .catch((error: Error) => {
          const message = `The browser could not make this file: ${error.message}`;
          store.view.refusal.value = { type: "refused", name: "download", message };
        });
    },
  });
  const drawings = (what: "picture" | "graph" | "maps", label: string, why = "") => [
    item(`${what}-svg`, `${label}, SVG`, { why }),
    item(`${what}-png`, `${label}, PNG`, { why }),
  ];
  const onMaps = store.view.level.value === "all" && store.wire.view.value === "maps" && shown.order >= 2;
  const items = [
    ...drawings("picture", `Picture and ${textWord(shown).many}`),
    ...drawings("graph", "Graph", shown.order < 2 ? "This method has no interactions." : ""),
    ...(onMaps ? drawings("maps", "Maps") : []),
    item("csv", `${termCount(shown)}, CSV`, { note: missingTerms(shown) }),
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
