import { isObject } from "./answer.js";

/** A field is missing or has another type than agreed. */
export class MalformedAnswerError extends Error {}

/** Read a JSON object field by field, and say which field is missing or wrong. */
export class Fields {
  readonly #values: Record<string, unknown>;
  readonly #path: string;

  private constructor(values: Record<string, unknown>, path: string) {
    this.#values = values;
    this.#path = path;
  }

  /** Wrap a JSON object; `path` tells where in the answer it stands. */
  static of(value: unknown, path = ""): Fields {
    if (isObject(value)) return new Fields(value, path);
    throw new MalformedAnswerError(`${path || "the body"} is not an object`);
  }

  /** Say whether the field is there and not null. */
  has(name: string): boolean {
    return (this.#values[name] ?? null) !== null;
  }

  text(name: string): string {
    const value = this.#values[name];
    return typeof value === "string" ? value : this.#refuse(name, "text");
  }

  /** Return a text that may only be this one. */
  exactly<Text extends string>(name: string, wanted: Text): Text {
    return this.#values[name] === wanted ? wanted : this.#refuse(name, `"${wanted}"`);
  }

  /** Return a text that may be null or absent. */
  optionalText(name: string): string | null {
    return this.has(name) ? this.text(name) : null;
  }

  integer(name: string): number {
    const value = this.#values[name];
    const whole = typeof value === "number" && Number.isInteger(value);
    return whole ? value : this.#refuse(name, "a whole number");
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false");
  }

  child(name: string): Fields {
    return Fields.of(this.#values[name], this.#at(name));
  }

  children(name: string): Fields[] {
    const at = this.#at(name);
    return this.#list(name).map((item, index) => Fields.of(item, `${at}[${index}]`));
  }

  texts(name: string): string[] {
    const items = this.#list(name);
    const texts = items.filter((item) => typeof item === "string");
    return texts.length === items.length
      ? texts
      : this.#refuse(name, "a list of texts");
  }

  #list(name: string): unknown[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : this.#refuse(name, "a list");
  }

  #at(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }

  #refuse(name: string, wanted: string): never {
    throw new MalformedAnswerError(`${this.#at(name)} is not ${wanted}`);
  }
}
