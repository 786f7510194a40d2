import { describe, expect, it, vi } from "vitest";
import { codeOf } from "../src/loader";
import { FakeModel, traits } from "./fake";

type Given = Parameters<typeof codeOf>;

function loading(changes: Record<string, unknown>): FakeModel & Given[0] {
  const model = new FakeModel({ ...traits(), bundle: "IPY_MODEL_abc", bundle_digest: "1234" } as never);
  return Object.assign(model, changes) as unknown as FakeModel & Given[0];
}

const holder = { get: () => "the code" };

describe("the front end's code", () => {
  it("comes from the model that the widgets share", async () => {
    const get_model = vi.fn(async () => holder);
    expect(await codeOf(loading({ widget_manager: { get_model } }), undefined)).toBe("the code");
    expect(get_model).toHaveBeenCalledWith("abc");
  });

  it("comes through the host where that finds models", async () => {
    const host = { getModel: async () => holder } as unknown as NonNullable<Given[1]>;
    expect(await codeOf(loading({}), host)).toBe("the code");
  });

  it.each([
    ["models cannot be shared", {}],
    ["the shared model is gone", { widget_manager: { get_model: () => Promise.reject(new Error("gone")) } }],
  ])("comes from the kernel where %s", async (_, changes) => {
    const model = loading(changes);
    const code = codeOf(model, undefined);
    await vi.waitFor(() => expect(model.sent).toEqual([{ type: "bundle" }]));
    model.emit("msg:custom", { type: "progress" });
    model.emit("msg:custom", { type: "bundle", code: "from the kernel" });
    expect(await code).toBe("from the kernel");
    expect(model.handlers).toBe(0);
  });
});
