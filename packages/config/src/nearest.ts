/**
 * The name among `known` that `name` was most likely meant to be, or undefined when none is close: equal but for
 * case, "-" and "_", or at most a third of its length (and at least two) edits away.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < fewest && distance < candidate.length) {
      best = candidate;
      fewest = distance;
    }
  }
  return best;
}

const plain = (name: string): string => name.toLowerCase().replaceAll("-", "_");

/**
 * Edits that turn `a` into `b`: insertions, deletions, substitutions, and swaps of neighbours
 * (Damerau's distance in its optimal-string-alignment form).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}
