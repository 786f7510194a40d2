import { describe, expect, it } from "vitest";
import { type Box, labelSpot, overlaps, pointAt, route, separate } from "../../../src/lib/geometry";
import { groupName, neighbour, rightToLeft, shortName, spokenName } from "../../../src/model/players";
import { draw, towards } from "../../../src/views/graph/drawing";
import { traits } from "../../fake";

const graph = traits().graph_data as NonNullable<ReturnType<typeof traits>["graph_data"]>;

const FRAME = { width: 600, height: 400, columns: 2, anchored: true };
const LABEL = { halfWidth: 17, halfHeight: 8 };

function box(x: number, y: number, halfWidth = 15, halfHeight = 15): Box {
  return { x, y, halfWidth, halfHeight };
}

function pairs<Item>(items: readonly Item[]): [Item, Item][] {
  return items.flatMap((a, index) => items.slice(index + 1).map((b): [Item, Item] => [a, b]));
}

describe("boxes", () => {
  it("that overlap are moved apart, inside the frame", () => {
    const crowd = [...Array(20).keys()].map((index) =>
      box(50 + (index % 5) * 9, 40 + Math.floor(index / 5) * 9),
    );
    const placed = separate(crowd, 400, 300, 4);
    expect(pairs(placed).some(([a, b]) => overlaps(a, b, 0))).toBe(false);
    expect(placed.every(({ x, y }) => x > 15 && x < 385 && y > 15 && y < 285)).toBe(true);
  });

  it("that do not overlap stay", () => {
    const apart = [box(50, 50), box(200, 50), box(50, 200)];
    expect(separate(apart, 400, 300)).toEqual(apart);
  });

  it("on the very same place are parted too", () => {
    const [a, b] = separate([box(100, 100), box(100, 100)], 400, 300) as [Box, Box];
    expect(overlaps(a, b, 0)).toBe(false);
  });
});

describe("edges", () => {
  it("go round a node that stands in the way", () => {
    const curve = route({ x: 20, y: 150 }, { x: 380, y: 150 }, [box(200, 150)], 400, 300);
    const middle = pointAt(curve, 0.5);
    expect(Math.abs(middle.y - 150)).toBeGreaterThan(15);
  });

  it("stay in the frame where they can", () => {
    const blocked = [box(200, 280, 40, 12)];
    const middle = pointAt(route({ x: 20, y: 280 }, { x: 380, y: 280 }, blocked, 400, 300), 0.5);
    expect(middle.y).toBeLessThan(280);
  });
});

describe("labels", () => {
  it("find a free spot or none", () => {
    const curve = route({ x: 20, y: 150 }, { x: 380, y: 150 }, [], 400, 300);
    const spot = labelSpot(curve, 0.5, LABEL, [box(200, 150, 20, 40)]) as Box;
    expect(Math.abs(spot.x - 200)).toBeGreaterThan(36);
    expect(labelSpot(curve, 0.5, LABEL, [box(200, 150, 200, 150)])).toBeNull();
  });
});

describe("a drawing", () => {
  const drawing = draw(graph, FRAME);

  it("has every node and edge, strongest on top", () => {
    expect(drawing.nodes.map((node) => node.player)).toEqual([0, 1, 4, 5]);
    expect(drawing.edges.at(-1)).toMatchObject({ source: 4, target: 5, thickness: 6 });
    expect(pairs(drawing.nodes).some(([a, b]) => overlaps(a, b, 0))).toBe(false);
  });

  it("says which edges are significant", () => {
    const flags = drawing.edges.map((edge) => [`${edge.source}-${edge.target}`, edge.significant]);
    expect(Object.fromEntries(flags)).toEqual({ "4-5": true, "0-5": true, "1-5": null, "0-1": false });
  });

  it("labels the active player's edges, and no label covers another or a node", () => {
    const labels = drawing.labels([0]);
    expect(labels.map(({ edge }) => [edge.source, edge.target])).toEqual([
      [0, 5],
      [0, 1],
    ]);
    const boxes = [...drawing.nodes, ...drawing.labels([]).map(({ spot }) => spot)];
    expect(pairs(boxes).some(([a, b]) => overlaps(a, b, 0))).toBe(false);
  });

  it("is walked through with the arrow keys", () => {
    expect(towards(drawing.nodes, 0, "ArrowRight")).toBe(1);
    expect(towards(drawing.nodes, 0, "ArrowDown")).toBe(4);
    expect(towards(drawing.nodes, 5, "ArrowUp")).toBe(1);
    expect(towards(drawing.nodes, 0, "ArrowLeft")).toBeNull();
    expect(towards(drawing.nodes, 0, "x")).toBeNull();
  });

  it("shortens a token that would cover the others", () => {
    const long = { ...graph, nodes: graph.nodes.map((node) => ({ ...node, label: "x".repeat(200) })) };
    expect(draw(long, FRAME).nodes.at(-1)?.label).toBe(`${"x".repeat(17)}…`);
  });

  it("does without edges", () => {
    const bare = draw({ ...graph, edges: [] }, FRAME);
    expect([bare.edges, bare.labels([0])]).toEqual([[], []]);
  });
});

describe("places", () => {
  const words = "a small black dog sits next to a bright yellow fire hydrant on the grass".split(" ");
  const tokens = words.map((label, index) => ({
    player: 4 + index,
    kind: "token" as const,
    label,
    pos: [0.5, 0.9] as const,
  }));
  const patches = graph.nodes.filter((node) => node.kind === "patch");
  const crowded = { ...graph, edges: [], nodes: [...patches, ...tokens] };

  it.each([260, 600, 1200])("of words are in reading order below the patches, %d pixels wide", (width) => {
    const { nodes } = draw(crowded, { ...FRAME, width });
    const read = nodes.filter((node) => node.kind === "token").sort((a, b) => a.y - b.y || a.x - b.x);
    expect(read.map((node) => node.label)).toEqual(words);
    const lowest = Math.max(...nodes.filter((node) => node.kind === "patch").map((node) => node.y));
    expect(read.every((node) => node.y > lowest)).toBe(true);
    expect(pairs(nodes).some(([a, b]) => overlaps(a, b, 0))).toBe(false);
  });

  it("fill the frame, and keep who is left of whom", () => {
    const low = {
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, pos: [node.pos[0], 0.5 + node.pos[1] / 2] as const })),
    };
    const [first, second] = draw(low, FRAME).nodes;
    expect(first?.y).toBe(second?.y);
    expect((second?.x ?? 0) - (first?.x ?? 0)).toBeGreaterThan(500);
  });

  it("are where somebody dragged them to, in any layout", () => {
    const moved = new Map([[4, { x: 0.25, y: 0.5 }]]);
    for (const anchored of [true, false]) {
      const node = draw(graph, { ...FRAME, anchored }, moved).nodes.find(({ player }) => player === 4);
      expect([node?.x, node?.y]).toEqual([150, 200]);
    }
  });
});

describe("players", () => {
  const board = { grid: [2, 3], tokens: ["red", "dog"], regions: false } as const;

  it("are named by their place, counted from one", () => {
    expect([0, 5, 7].map((player) => shortName(board, player))).toEqual([
      "patch (1, 1)",
      "patch (2, 3)",
      "“dog”",
    ]);
    expect(spokenName(board, 5)).toBe("patch row 2, column 3");
    expect(spokenName(board, 6)).toBe("token “red”");
    expect(spokenName({ ...board, words: true }, 6)).toBe("word “red”");
    expect(groupName(board, [0, 1, 6, 7])).toBe("2 patches + 2 tokens");
    expect(groupName({ ...board, words: true }, [0, 1, 2, 7])).toBe("3 patches + 1 word");
  });

  it.each([
    [0, "ArrowRight", 1],
    [2, "ArrowRight", null],
    [1, "ArrowDown", 4],
    [4, "ArrowUp", 1],
    [4, "ArrowDown", 6],
    [4, "End", 5],
    [4, "Home", 3],
    [6, "ArrowRight", 7],
    [7, "ArrowRight", null],
    [7, "ArrowUp", 3],
    [6, "End", 7],
    [7, "Home", 6],
    [6, "a", null],
  ])("from %d, %s leads to %s", (from, key, to) => expect(neighbour(board, from, key)).toBe(to));

  it("arrow keys go where they point in a caption that is read from the right", () => {
    const arabic = { ...board, tokens: ["…", "كلب", "dog"] };
    expect([7, 8].map((player) => shortName(arabic, player))).toEqual(["“\u2068كلب\u2069”", "“dog”"]);
    expect(["ArrowLeft", "ArrowRight"].map((key) => neighbour(arabic, 7, key))).toEqual([8, 6]);
    expect([arabic, board, { tokens: ["dog", "كلب"] }, { tokens: ["2", "…"] }].map(rightToLeft)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
