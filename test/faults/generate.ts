import type { Shape } from "./declarations.js";

/** A small deterministic generator, so that a fault comes again. */
export function randomFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** Objects to hand over, by class. */
export type Pool = Map<string, unknown[]>;

export interface Mischief {
  readonly random: (n: number) => number;
  readonly pool: Pool;
  /** One in so many values is replaced by a hostile one. */
  readonly oneIn: number;
  readonly hostile: readonly (() => unknown)[];
}

const numbers = [0, 1, 2, 3, 4, 8, 0.5, 10];
const strings = ["float32", "a", "b.bin", "patch", "cls", "ordered"];
const sizes = [0, 4, 8, 24];

/** A value that the declarations allow, but for the hostile ones mixed in at every level. */
export function generate(shape: Shape, m: Mischief): unknown {
  if (m.random(m.oneIn) === 0) return m.hostile[m.random(m.hostile.length)]!();
  switch (shape.kind) {
    case "number":
      return numbers[m.random(numbers.length)];
    case "string":
      return strings[m.random(strings.length)];
    case "boolean":
      return m.random(2) === 0;
    case "literal":
      return shape.value;
    case "bytes":
      return bytes(shape.name, sizes[m.random(sizes.length)]!);
    case "handle": {
      const classes = shape.of === "string" ? [...m.pool.keys()] : [shape.of];
      const those = m.pool.get(classes[m.random(classes.length)] ?? "") ?? [];
      return those.length > 0 ? those[m.random(those.length)] : undefined;
    }
    case "array":
      return Array.from({ length: m.random(4) }, () => generate(shape.of, m));
    case "union":
      return generate(shape.of[m.random(shape.of.length)]!, m);
    case "object":
      return Object.fromEntries(
        Object.entries(shape.members)
          .map(([name, member]) => [name, generate(member, m)])
          .filter(([, value]) => value !== undefined),
      );
    case "function":
      return () => {};
    default:
      return undefined;
  }
}

function bytes(name: string, n: number): unknown {
  const buffer = new ArrayBuffer(n);
  new Uint8Array(buffer).fill(1);
  const make = (globalThis as Record<string, unknown>)[name];
  if (name === "ArrayBuffer" || typeof make !== "function") return buffer;
  return Reflect.construct(make, [buffer]);
}

/** Puts every handle in a result into the pool. */
export function harvest(value: unknown, shape: Shape, pool: Pool, random: (n: number) => number): void {
  if (value === undefined || value === null) return;
  if (shape.kind === "handle") {
    const those = pool.get(shape.of) ?? [];
    pool.set(shape.of, those);
    if (those.length < 40) those.push(value);
    else those[random(those.length)] = value;
  } else if (shape.kind === "array" && Array.isArray(value)) {
    for (const item of value) harvest(item, shape.of, pool, random);
  } else if (shape.kind === "object") {
    for (const [name, member] of Object.entries(shape.members))
      harvest((value as Record<string, unknown>)[name], member, pool, random);
  } else if (shape.kind === "union") {
    for (const one of shape.of) if (one.kind === "handle") harvest(value, one, pool, random);
  }
}
