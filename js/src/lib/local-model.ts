/** The traits of a model without a kernel, and its events: the part of anywidget's interface that views use. */

type Handler = (message?: unknown, buffers?: readonly DataView[]) => void;

export class LocalModel<Traits extends object> {
  protected state: Traits;
  readonly #handlers = new Map<string, Set<Handler>>();

  constructor(state: Traits) {
    this.state = state;
  }

  get<Name extends keyof Traits>(name: Name): Traits[Name] {
    return this.state[name];
  }

  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void {
    if (this.state[name] !== value) {
      this.state = { ...this.state, [name]: value };
      this.emit(`change:${String(name)}`);
    }
  }

  on(event: string, handler: Handler): void {
    this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(handler));
  }

  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  protected emit(event: string, message?: unknown, buffers?: readonly DataView[]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      handler(message, buffers);
    }
  }
}
