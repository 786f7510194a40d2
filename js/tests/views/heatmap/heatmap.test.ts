import { describe, expect, it } from "vitest";
import { explanationOf } from "../../../src/model/explanation";
import { axesOf, figure, framesOf } from "../../../src/views/heatmap/figure";
import { wireResult } from "../../fake";

const PALETTE = { positive: "#f00", negative: "#00f" };
const LOOK = { palette: PALETTE, text: "", line: "#ccc", middle: "#fff", family: "serif" };
const of = explanationOf(wireResult());

function drawn(block: "cross" | "text_text" | "image_image", from = of) {
  return figure({ of: from, block, width: 600, limit: 3, look: LOOK });
}

describe("the figure of the heatmap", () => {
  it("has a row for each token and a column for each patch", () => {
    expect(drawn("cross").data[0]?.z.map((row) => row.map((value) => value?.toFixed(2)))).toEqual([
      ["0.00", "0.00", "0.50", "0.25"],
      ["2.00", "-1.00", "0.00", "0.00"],
    ]);
  });

  it("shows tokens with tokens, and none with itself", () => {
    expect(drawn("text_text").data[0]?.z).toEqual([
      [null, 3],
      [3, null],
    ]);
  });

  it("has a symmetric colour scale", () => {
    expect(drawn("cross").data[0]).toMatchObject({ zmin: -3, zmax: 3 });
  });

  it("shows a caption's text as text, in ticks and hover labels", () => {
    const { data, layout } = drawn("cross", explanationOf(wireResult({ tokens: ["<i>x</i>", "dog"] })));
    expect(layout.yaxis).toMatchObject({ ticktext: ["&lt;i&gt;x&lt;/i&gt;", "dog"] });
    expect(JSON.stringify([data, layout])).not.toContain("<i>x");
  });

  it("names both players and the standard error on hover, and numbers repeated words", () => {
    const { data, layout } = drawn("cross", explanationOf(wireResult({ tokens: ["a", "a"] })));
    const { text } = data[0] as unknown as { text: string[][] };
    expect(text[0]?.[3]).toContain("“a¹” × patch (2, 2)<br><b>+0.25 ± 0.30</b><br>not significant");
    expect(layout.yaxis).toMatchObject({ ticktext: ["a¹", "a²"] });
  });

  it("frames the row of a selected token and the column of a pointed patch", () => {
    const changes = framesOf(axesOf(of, "cross"), drawn("cross").layout, { selected: [5], pointed: [2] });
    expect(Object.values(changes)).toEqual(["M-0.5,0.5H3.5V1.5H-0.5Z", "M1.5,-0.5H2.5V1.5H1.5Z"]);
  });
});
