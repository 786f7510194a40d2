import { describe, expect, it } from "vitest";
import { contrast, divergingScale, faded, onDark, strength } from "../../src/lib/colour";
import {
  budgetName,
  costLine,
  count,
  duration,
  encodings,
  memory,
  plain,
  probability,
  signed,
  withError,
} from "../../src/lib/format";
import { arcsFrom } from "../../src/model/arcs";
import {
  crossLimit,
  explanationOf,
  interaction,
  interactionError,
  isSignificant,
  strongest,
  valuesFor,
} from "../../src/model/explanation";
import { decode, decodeIfKnown } from "../../src/wire/arrays";
import { wireArray, wireResult } from "../fake";

describe("arrays", () => {
  it("are read wherever their buffer begins", () => {
    const numbers = [1, -2.5, 0.25, 1e6];
    const bytes = Float32Array.from([9, ...numbers]).buffer;
    const aligned = { shape: [2, 2], dtype: "float32" as const, data: new DataView(bytes, 4) };
    expect([...decode(aligned)]).toEqual(numbers);
    expect([...decode(wireArray(numbers, [2, 2]))]).toEqual(numbers);
  });

  it("are refused when bytes and shape disagree", () => {
    expect(() => decode(wireArray([1, 2, 3], [2, 2]))).toThrow("2×2 has 12 bytes");
  });

  it("may be unknown", () => {
    expect(decodeIfKnown(null)).toBeNull();
  });
});

describe("numbers as text", () => {
  it.each([
    [{ new_image: 1092, new_text: 0, seconds: 21 }, "1,092 encodings + 1,348 reused · 21 s · 102 MB"],
    [{ new_image: 2184, new_text: 256, seconds: null }, "2,440 encodings · 102 MB"],
    [{ new_image: 2184, new_text: 56, seconds: 21 }, "2,240 encodings · 21 s · 102 MB"],
    [{ new_image: 0, new_text: 0, seconds: 0 }, "all 2,440 encodings reused · 102 MB"],
  ])("a cost says what is new and what is reused: %o", (part, text) => {
    expect(costLine({ image: 2184, text: 256, megabytes: 102.4, ...part })).toBe(text);
  });

  it("encodings and memory have the same words everywhere", () => {
    expect(encodings(2184, 256)).toBe("2,184 image + 256 text encodings");
    expect([0.2, 12.4, 999, 1400].map(memory)).toEqual(["1 MB", "12 MB", "999 MB", "1.4 GB"]);
  });

  it.each([
    [33.12, "33.1"],
    [1.236, "1.24"],
    [-0.4, "−0.40"],
    [0.0123, "0.012"],
    [-0.00042, "−0.00042"],
    [0.0000034, "0.0000034"],
    [0, "0.00"],
    [-1e-9, "0.00"],
  ])("%f is %s", (value, text) => expect(plain(value)).toBe(text));

  it("have their sign and error", () => {
    expect(signed(1.234)).toBe("+1.23");
    expect(signed(-2)).toBe("−2.00");
    expect(signed(Number.NaN)).toBe("–");
    expect(withError(1.5, 0.25)).toBe("+1.50 ± 0.25");
    expect(withError(1.5, Number.NaN)).toBe("+1.50");
  });

  it("name budgets by their power of two", () => {
    expect(budgetName(2 ** 17)).toBe("2¹⁷");
    expect(budgetName(50_000)).toBe("50,000");
    expect(count(131072)).toBe("131,072");
  });

  it("are short otherwise", () => {
    expect(probability(0.1 + 0.2)).toBe("0.3");
    expect([0.2, 21.4, 75].map(duration)).toEqual(["moments", "21 s", "1 min 15 s"]);
  });
});

describe("colours", () => {
  it("grow with the value and end at the limit", () => {
    const strengths = [0, 0.5, 1, 2].map((value) => strength(-value, 1));
    expect(strengths[0]).toBe(0);
    expect(strengths[1]).toBeLessThan(strengths[2] as number);
    expect(strengths[2]).toBe(1);
    expect(strengths[3]).toBe(1);
    expect(strength(Number.NaN, 1)).toBe(0);
  });

  it("are the palette's", () => {
    expect(faded("#ff0d57", 0.5)).toBe("rgba(255, 13, 87, 0.5)");
    const scale = divergingScale({ positive: "#ff0d57", negative: "#1e88e5" }, "#fff");
    expect(scale.map(([, colour]) => colour)).toEqual(["#1e88e5", "#fff", "#ff0d57"]);
  });
});

describe("palettes on a dark ground", () => {
  it("are lightened until they are seen, and no further", () => {
    const safe = onDark({ positive: "#e66100", negative: "#5d3a9b" }, "#1c1d23");
    expect(safe.positive).toBe("#e66100");
    expect(contrast(safe.negative, "#1c1d23")).toBeGreaterThanOrEqual(3);
    expect(contrast(safe.negative, "#1c1d23")).toBeLessThan(3.5);
  });

  it("measure contrast from 1 to 21", () => {
    expect([contrast("#000000", "#ffffff"), contrast("#808080", "#808080")]).toEqual([21, 1]);
  });
});

describe("an explanation", () => {
  const shown = explanationOf(wireResult());

  it("shows main effects when nothing is active", () => {
    expect([...valuesFor(shown, [])]).toEqual([1, -2, 0.5, 0, 4, -0.5]);
  });

  it("shows the interactions with the active player, whose own value stays its main effect", () => {
    expect([...valuesFor(shown, [5])]).toEqual([2, -1, 0, 0, 3, -0.5]);
  });

  it("sums the interactions with several active players", () => {
    expect([...valuesFor(shown, [4, 5])]).toEqual([2, -1, 0.5, 0.25, 4, -0.5]);
  });

  it("takes its scale from the cross-modal interactions", () => {
    expect(crossLimit(shown)).toBe(2);
  });

  it("knows which interactions are significant among all", () => {
    expect(isSignificant(shown, 0, 5)).toBe(true);
    expect(isSignificant(shown, 2, 4)).toBe(false);
    expect(interactionError(shown, 0, 5)).toBeCloseTo(0.3);
  });

  it("takes the kernel's word for it", () => {
    const bits = btoa(String.fromCharCode(0b00000000, 0b01000000)); // of 15 pairs, the tenth is 2–3
    const told = explanationOf(wireResult({ significant: { main: btoa("\0"), interactions: bits } }));
    const pairs = [0, 1, 2, 3, 4, 5].flatMap((i) => [0, 1, 2, 3, 4, 5].map((j) => [i, j] as const));
    expect(pairs.filter(([i, j]) => i < j && isSignificant(told, i, j))).toEqual([[2, 3]]);
  });

  it("makes no claim where an error is unknown", () => {
    const unknown = explanationOf(wireResult({ interactions_se: null }));
    expect(isSignificant(unknown, 2, 4)).toBeNull();
    expect(interactionError(unknown, 2, 4)).toBeNull();
    const errors = wireArray(
      [...Array(36).keys()].map((index) => (index === 5 ? Number.NaN : 0.3)),
      [6, 6],
    );
    expect(isSignificant(explanationOf(wireResult({ interactions_se: errors })), 0, 5)).toBeNull();
  });

  it("finds what a player interacts with most", () => {
    expect(strongest(shown, 5, 2, () => true)).toEqual([4, 0]);
    expect(interaction(shown, 5, 0)).toBe(2);
  });

  it("draws arcs across modalities only, weakest first", () => {
    const arcs = arcsFrom(shown, [5]);
    expect(arcs.map(({ token, patch, value }) => [token, patch, value])).toEqual([
      [5, 1, -1],
      [5, 0, 2],
    ]);
    expect(arcsFrom(shown, [])).toEqual([]);
    expect(arcsFrom(shown, [2]).map(({ token, significant }) => [token, significant])).toEqual([[4, false]]);
  });
});

describe("a symmetric matrix", () => {
  it("arrives as the part above its diagonal", () => {
    const data = new DataView(Float32Array.of(1, 2, 3).buffer);
    const wire = { shape: [3, 3], dtype: "float32", upper: true, data } as const;
    expect([...decode(wire)]).toEqual([0, 1, 2, 1, 0, 3, 2, 3, 0]);
    expect(() => decode({ ...wire, shape: [4, 4] })).toThrow("4×4");
  });
});
