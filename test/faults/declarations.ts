import path from "node:path";
import ts from "typescript";

/** What one argument or result may be, as far as an attacker wants to know. */
export type Shape =
  | { readonly kind: "number" | "string" | "boolean" | "function" | "nothing" | "other" }
  | { readonly kind: "literal"; readonly value: string | number }
  | { readonly kind: "bytes"; readonly name: string }
  | { readonly kind: "handle"; readonly of: string }
  | { readonly kind: "array"; readonly of: Shape }
  | { readonly kind: "union"; readonly of: readonly Shape[] }
  | { readonly kind: "object"; readonly members: Readonly<Record<string, Shape>> };

export interface Signature {
  readonly params: readonly Shape[];
  /** Of the promise's value when the function returns a promise. */
  readonly returns: Shape;
}

const addonFile = path.resolve(import.meta.dirname, "../../packages/core-native/src/native/addon.ts");

/** Every member of the interface `Addon`, inherited ones included, as the compiler sees it. */
export function addonSignatures(): Record<string, Signature> {
  const program = ts.createProgram([addonFile], {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    customConditions: ["@saev/source"],
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(addonFile);
  const module = source && checker.getSymbolAtLocation(source);
  const symbol = module && checker.getExportsOfModule(module).find((s) => s.name === "Addon");
  if (!source || !symbol) throw new Error(`${addonFile} exports no Addon`);
  const out: Record<string, Signature> = {};
  for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
    const type = checker.getTypeOfSymbolAtLocation(member, source);
    const signature = type.getCallSignatures()[0];
    if (!signature) throw new Error(`Addon.${member.name} is no function`);
    const params = signature.parameters.map((p) =>
      shapeOf(checker, checker.getTypeOfSymbolAtLocation(p, source), source),
    );
    const result = checker.getAwaitedType(signature.getReturnType()) ?? signature.getReturnType();
    out[member.name] = { params, returns: shapeOf(checker, result, source) };
  }
  return out;
}

/** Classes of handles that the declarations name, in order. */
export function handleClasses(signatures: Record<string, Signature>): string[] {
  const classes = new Set<string>();
  const visit = (shape: Shape): void => {
    if (shape.kind === "handle" && shape.of !== "string") classes.add(shape.of);
    if (shape.kind === "array") visit(shape.of);
    if (shape.kind === "union") shape.of.forEach(visit);
    if (shape.kind === "object") Object.values(shape.members).forEach(visit);
  };
  for (const { params, returns } of Object.values(signatures)) [...params, returns].forEach(visit);
  return [...classes].sort();
}

function shapeOf(checker: ts.TypeChecker, type: ts.Type, at: ts.Node, depth = 0): Shape {
  const again = (inner: ts.Type) => shapeOf(checker, inner, at, depth + 1);
  if (type.aliasSymbol?.name === "Handle") {
    const of = type.aliasTypeArguments?.[0];
    return { kind: "handle", of: of?.isStringLiteral() ? of.value : "string" };
  }
  if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Null))
    return { kind: "nothing" };
  if (type.flags & ts.TypeFlags.BooleanLike) return { kind: "boolean" };
  if (type.isStringLiteral() || type.isNumberLiteral()) return { kind: "literal", value: type.value };
  if (type.flags & (ts.TypeFlags.NumberLike | ts.TypeFlags.BigIntLike)) return { kind: "number" };
  if (type.flags & ts.TypeFlags.StringLike) return { kind: "string" };
  if (type.isUnion()) return { kind: "union", of: type.types.map(again) };
  if (type.getCallSignatures().length > 0) return { kind: "function" };
  const name = type.symbol?.name ?? "";
  if (/^(.*Array|ArrayBuffer|DataView|Buffer)$/.test(name) && !/^(Readonly)?Array$/.test(name))
    return { kind: "bytes", name };
  if (checker.isArrayType(type) || checker.isTupleType(type)) {
    const [of] = checker.getTypeArguments(type as ts.TypeReference);
    return of ? { kind: "array", of: again(of) } : { kind: "other" };
  }
  if (!(type.flags & ts.TypeFlags.Object) || depth > 6) return { kind: "other" };
  const members = checker
    .getPropertiesOfType(type)
    .map((member) => [member.name, again(checker.getTypeOfSymbolAtLocation(member, at))] as const);
  return { kind: "object", members: Object.fromEntries(members) };
}
