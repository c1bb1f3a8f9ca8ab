import type { ZodType } from "zod";

export type Zod = typeof import("zod");

/**
 * Loads a package, or has it at hand, at the first use. Start-up is counted in milliseconds here, so this package
 * imports nothing but its own modules when it is loaded; built-in modules come from process.getBuiltinModule.
 */
export const requireHere = (name: string): unknown =>
  process.getBuiltinModule("node:module").createRequire(import.meta.url)(name);

/** zod itself: importing it takes longer than all the rest of the command's start. */
export function zod(): Zod {
  loaded ??= requireHere("zod") as Zod;
  return loaded;
}
let loaded: Zod | undefined;

/**
 * Stands for a schema that is built when first touched, since `saev --help` needs none. It passes for the schema:
 * it parses, composes into other schemas, is an instance of ZodType and converts to JSON Schema.
 */
export function onFirstUse(build: () => ZodType): ZodType {
  let schema: ZodType | undefined;
  const real = (): ZodType => {
    schema ??= build();
    return schema;
  };
  const proxy: ZodType = new Proxy({} as ZodType, {
    get: (_, key) => (key === "_zod" ? internals() : Reflect.get(real(), key)),
    has: (_, key) => Reflect.has(real(), key),
    ownKeys: () => Reflect.ownKeys(real()),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
    getOwnPropertyDescriptor: (_, key) => {
      const descriptor = Reflect.getOwnPropertyDescriptor(real(), key);
      // The proxy's own target has no such property, so it may only be shown as one that could go away.
      return descriptor && { ...descriptor, configurable: true };
    },
  });
  let inner: ZodType["_zod"] | undefined;
  /** zod keeps what it has converted by object, and the proxy is another object: it refers, as z.lazy does. */
  const internals = (): ZodType["_zod"] => {
    inner ??= Object.create(real()._zod, {
      parent: { value: undefined },
      processJSONSchema: {
        value: (context: Parameters<Zod["core"]["process"]>[1], _json: unknown, params: never) => {
          zod().core.process(real(), context, params);
          context.seen.get(proxy)!.ref = real();
        },
      },
    }) as ZodType["_zod"];
    return inner;
  };
  return proxy;
}
