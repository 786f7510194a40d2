import { describe, expect, it, vi } from "vitest";
import { codeOf } from "../../src/wire/code";
import { FakeModel, traits } from "../fake";

type Given = Parameters<typeof codeOf>;
type Changes = Record<string, unknown>;

function loading(changes: Changes): FakeModel & Given[1] {
  const references = { bundle: "IPY_MODEL_view", plotly: "IPY_MODEL_plot" };
  const model = new FakeModel({ ...traits(), ...references } as never);
  return Object.assign(model, changes) as unknown as FakeModel & Given[1];
}

/** A host in which widgets find the models of these ids. */
function sharing(models: ReadonlyMap<string, string>): Changes {
  const get_model = async (id: string) => {
    const code = models.get(id);
    if (code === undefined) {
      throw new Error("gone");
    }
    return { get: () => code };
  };
  return { widget_manager: { get_model } };
}

describe("the code of the view and of Plotly", () => {
  it.each([
    ["bundle", "the view"],
    ["plotly", "the plot"],
  ] as const)("comes from the model that the widgets share: %s", async (part, code) => {
    const models = new Map([
      ["view", "the view"],
      ["plot", "the plot"],
    ]);
    const model = loading(sharing(models));
    expect(await codeOf(part, model, undefined)).toBe(code);
    expect(model.sent).toEqual([]);
  });

  it("comes through the host where that finds models", async () => {
    const getModel = async (reference: string) => ({ get: () => `the code of ${reference}` });
    const host = { getModel } as unknown as NonNullable<Given[2]>;
    expect(await codeOf("plotly", loading({}), host)).toBe("the code of IPY_MODEL_plot");
  });

  it.each(["bundle", "plotly"] as const)(
    "comes in the kernel's message where models cannot be shared: %s",
    async (part) => {
      const model = loading(sharing(new Map()));
      const code = codeOf(part, model, undefined);
      await vi.waitFor(() => expect(model.sent).toEqual([{ type: part, shares: false }]));
      model.emit("msg:custom", { type: "progress" });
      model.emit("msg:custom", { type: part, code: "from the kernel" });
      expect(await code).toBe("from the kernel");
      expect(model.handlers).toBe(0);
    },
  );

  it("of Plotly comes from a model that the kernel makes at the first request", async () => {
    const models = new Map([["view", "the view"]]);
    const model = loading(sharing(models));
    const code = codeOf("plotly", model, undefined);
    await vi.waitFor(() => expect(model.sent).toEqual([{ type: "plotly", shares: true }]));
    models.set("plot", "the plot");
    model.emit("msg:custom", { type: "plotly", code: "" });
    expect(await code).toBe("the plot");
  });

  it("is missing if the kernel shares a model that does not come", async () => {
    const model = loading(sharing(new Map([["view", "the view"]])));
    const code = codeOf("plotly", model, undefined);
    await vi.waitFor(() => expect(model.sent).toHaveLength(1));
    model.emit("msg:custom", { type: "plotly", code: "" });
    await expect(code).rejects.toThrow("is missing");
  });

  it("is missing where the host rejects messages because there is no kernel", async () => {
    const send = () => {
      throw new Error("no kernel");
    };
    const model = loading({ ...sharing(new Map([["view", "the view"]])), send });
    await expect(codeOf("plotly", model, undefined)).rejects.toThrow("no kernel");
    expect(model.handlers).toBe(0);
  });
});
