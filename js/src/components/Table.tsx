/** The graph's interactions as a table: the same numbers for who reads or listens. */

import { colourOf } from "../colour";
import { plain, signed } from "../format";
import { shortName } from "../players";
import type { Store } from "../store";

export function Table({ store }: { store: Store }) {
  const edges = store.graph.value?.edges ?? [];
  const board = store.board.value;
  const selection = store.traits.selection.value;
  const strongest = Math.max(...edges.map((edge) => Math.abs(edge.weight)), 0) || 1;
  return (
    <div class="fx-table">
      <table>
        <caption class="fx-hidden">The strongest interactions, strongest first</caption>
        <thead>
          <tr>
            <th scope="col">players</th>
            <th scope="col" class="fx-number">
              interaction
            </th>
            <th scope="col" class="fx-number">
              ± s.e.
            </th>
            <th scope="col" class="fx-wide">
              <span class="fx-hidden">size</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {edges.map((edge) => {
            const pair = [edge.source, edge.target];
            return (
              <tr
                key={pair.join("-")}
                aria-selected={selection.length === 2 && pair.every((player) => selection.includes(player))}
                onClick={() => store.commit("selection", pair)}
              >
                <th scope="row">
                  <button type="button">
                    {shortName(board, edge.source)} × {shortName(board, edge.target)}
                  </button>
                </th>
                <td class="fx-number">{signed(edge.weight)}</td>
                <td class="fx-number">{edge.se === null ? "–" : plain(edge.se)}</td>
                <td class="fx-wide">
                  <span
                    class="fx-size"
                    style={{
                      "--share": `${(100 * Math.abs(edge.weight)) / strongest}%`,
                      "--colour": colourOf(store.palette.value, edge.weight),
                    }}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
