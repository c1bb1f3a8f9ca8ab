import { editDistance } from "@saev/config";

/**
 * The names that a mistyped one was most likely meant to be, the closest first, at most three. A name is close when
 * a third of its letters (or two) would have to change, or when its last part alone is: `--exp-factor` is close to
 * `--sae.exp-factor`, and `--root` to `--data.shard-root`, which ends in it.
 */
export function nearestNames(typed: string, known: Iterable<string>): string[] {
  const wanted = plain(typed);
  const near: { name: string; distance: number }[] = [];
  for (const name of new Set(known)) {
    const whole = editDistance(wanted, plain(name));
    // Half an edit more, so that names alike as a whole come first.
    const last = editDistance(lastPart(wanted), lastPart(plain(name))) + 0.5;
    const allowed = (text: string) => Math.min(Math.max(2, Math.floor(text.length / 3)), text.length - 1);
    const distance = Math.min(
      whole <= allowed(wanted) ? whole : Infinity,
      last <= allowed(lastPart(wanted)) + 0.5 ? last : Infinity,
      lastPart(wanted).length > 2 && plain(name).endsWith(`-${lastPart(wanted)}`) ? 2.5 : Infinity,
    );
    if (distance < Infinity) near.push({ name, distance });
  }
  near.sort((a, b) => a.distance - b.distance);
  const best = near[0]?.distance ?? 0;
  return near
    .filter(({ distance }) => distance <= best + 1)
    .slice(0, 3)
    .map(({ name }) => name);
}

const plain = (name: string): string => name.replace(/^-+/, "").toLowerCase().replaceAll("_", "-");
const lastPart = (name: string): string => name.slice(name.search(/[^.:]*$/));

/** "; did you mean a, b or c?", or nothing. */
export function didYouMean(names: readonly string[]): string {
  if (names.length === 0) return "";
  const list = names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  return `; did you mean ${list}?`;
}
