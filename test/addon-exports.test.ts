import { createRequire } from "node:module";
import path from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";

const core = path.resolve(import.meta.dirname, "../packages/core-native");

/** Names of all members of the interface `Addon`, inherited ones included, as the compiler sees them. */
function declaredNames(): string[] {
  const file = path.join(core, "src/native/addon.ts");
  const program = ts.createProgram([file], {
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    customConditions: ["@saev/source"],
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  if (!source) throw new Error(`${file} is not there`);
  const symbol = checker.getSymbolAtLocation(source);
  const addon = symbol && checker.getExportsOfModule(symbol).find((s) => s.name === "Addon");
  if (!addon) throw new Error(`${file} exports no Addon`);
  return checker
    .getDeclaredTypeOfSymbol(addon)
    .getProperties()
    .map((property) => property.name)
    .sort();
}

it("declares exactly what the built addon exports", () => {
  const built = createRequire(import.meta.url)(path.join(core, "build/cpu/saev.node")) as object;
  const exported = Object.keys(built).sort();
  const declared = declaredNames();
  expect({
    exportedButNotDeclared: exported.filter((name) => !declared.includes(name)),
    declaredButNotExported: declared.filter((name) => !exported.includes(name)),
  }).toEqual({ exportedButNotDeclared: [], declaredButNotExported: [] });
  expect(exported.length).toBeGreaterThan(0);
});
