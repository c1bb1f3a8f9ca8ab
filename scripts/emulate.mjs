// npm run emulate -- MACHINE [WORD…]: the tests of the kernels and of the SAE step on a processor that is not at hand, or those
// whose names contain a word. Not part of npm test: it takes minutes.
import { avx512 } from "./emulate/avx512.mjs";
import { neon } from "./emulate/neon.mjs";
import { SetupError, say, seconds } from "./setup/step.mjs";

const machines = {
  neon: { what: "ARM with NEON, in qemu", test: neon },
  avx512: { what: "x86-64 with AVX-512, its VNNI and bfloat16 products, in Bochs", test: avx512 },
};

const [name, ...words] = process.argv.slice(2);
const machine = Object.hasOwn(machines, name ?? "") ? machines[name] : undefined;
try {
  if (!machine) {
    const list = Object.entries(machines).map(([known, { what }]) => `\n  ${known}: ${what}`);
    throw new SetupError(`npm run emulate -- MACHINE [WORD…], with MACHINE one of${list.join("")}`);
  }
  const started = performance.now();
  process.exitCode = (await machine.test(words)) ? 0 : 1;
  say(`${machine.what}: ${seconds(started)}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
