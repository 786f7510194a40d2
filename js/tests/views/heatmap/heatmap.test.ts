import { describe, expect, it } from "vitest";
import { explanationOf } from "../../../src/model/explanation";
import { bandsOf, cellAt, figure, markAt, marksOf, sheet } from "../../../src/views/heatmap/cells";
import { wireResult } from "../../fake";

const LOOK = { palette: { positive: "#f00", negative: "#00f" }, text: "", line: "#ccc", middle: "#fff" };
const of = explanationOf(wireResult());

function drawn(block: "cross" | "text_text" | "image_image", from = of) {
  const place = sheet(from, block, 600);
  return { place, ...figure(from, block, place, 600, LOOK, 3) };
}

describe("the heatmap", () => {
  it("has a row for each word and a column for each patch", () => {
    expect(drawn("cross").data[0]?.z.map((row) => row.map((value) => value?.toFixed(2)))).toEqual([
      ["0.00", "0.00", "0.50", "0.25"],
      ["2.00", "-1.00", "0.00", "0.00"],
    ]);
  });

  it("shows words with words and patches with patches, nobody with itself", () => {
    expect(drawn("text_text").data[0]?.z).toEqual([
      [null, 3],
      [3, null],
    ]);
    const z = drawn("image_image").data[0]?.z;
    expect([z?.length, z?.[0]?.[0], z?.[0]?.[1]?.toFixed(1), z?.[1]?.[0]?.toFixed(1)]).toEqual([
      4,
      null,
      "0.1",
      "0.1",
    ]);
  });

  it("has a scale that is as long for what raises as for what lowers", () => {
    expect(drawn("cross").data[0]).toMatchObject({ zmin: -3, zmax: 3 });
  });

  it("shows what a caption says as text", () => {
    const marked = explanationOf(wireResult({ tokens: ["<b>x</b>", "dog"] }));
    const { data, layout } = drawn("cross", marked);
    expect(layout.yaxis).toMatchObject({ ticktext: ["&lt;b&gt;x&lt;/b&gt;", "dog"] });
    expect(JSON.stringify([data, layout])).not.toContain("<b>x");
  });

  it("is square where rows and columns are the same, and fits its frame", () => {
    for (const block of ["text_text", "image_image"] as const) {
      const { place } = drawn(block);
      expect(place.width).toBe(place.height);
    }
    const narrow = sheet(of, "image_image", 280);
    expect(narrow.left + narrow.width).toBeLessThanOrEqual(280);
  });

  it("finds the pair of a cell, and frames the row and column of a player", () => {
    for (const [block, row, column] of [
      ["cross", 5, 2],
      ["image_image", 3, 1],
      ["text_text", 4, 5],
    ] as const) {
      const { place } = drawn(block);
      const down = bandsOf(place, row).find((band) => band.width === place.width);
      const across = bandsOf(place, column).find((band) => band.height === place.height);
      const y = (down?.top ?? 0) + (down?.height ?? 0) / 2;
      const x = (across?.left ?? 0) + (across?.width ?? 0) / 2;
      expect(cellAt(place, x, y)).toEqual([row, column]);
    }
    const { place } = drawn("cross");
    expect(cellAt(place, place.left - 1, place.top + 5)).toBeNull();
    expect([bandsOf(place, 0).length, bandsOf(place, 4).length]).toEqual([1, 1]);
  });

  it("marks the strongest cells where cells are too small to be seen, and the pointer finds them", () => {
    expect(marksOf(of, drawn("cross").place, 2)).toEqual([]);
    const small = { ...drawn("cross").place, width: 12, left: 100, top: 0, height: 200 };
    const marks = marksOf(of, small, 2);
    expect(marks.map(({ row, column, value }) => [row, column, value])).toEqual([
      [5, 0, 2],
      [5, 1, -1],
      [4, 2, 0.5],
    ]);
    expect(markAt(marks, 101, 148)).toBe(marks[0]);
    expect(markAt(marks, 101, 100)).toBeNull();
  });

  it("names few rows of a fine grid", () => {
    const fine = explanationOf(wireResult());
    const many = { ...fine, grid: [24, 24] as const };
    expect(
      (figure(many, "cross", sheet(fine, "cross", 600), 600, LOOK, 1).layout.xaxis as { ticktext: string[] })
        .ticktext,
    ).toHaveLength(12);
  });
});
