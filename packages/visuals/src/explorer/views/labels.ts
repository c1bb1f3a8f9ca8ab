/** How labels are distributed: counts from the most frequent, purity and entropy in bits; images without a label are left out. */
export function labelStatistics(labels: readonly string[]) {
  const counts = new Map<string, number>();
  for (const label of labels) if (label !== "") counts.set(label, (counts.get(label) ?? 0) + 1);
  const ordered = [...counts]
    .map(([label, count]) => ({ label, count }))
    .sort((a, b) => b.count - a.count || a.label.localeCompare(b.label));
  const total = ordered.reduce((sum, { count }) => sum + count, 0);
  const entropy = ordered.reduce((bits, { count }) => bits - (count / total) * Math.log2(count / total), 0);
  return {
    labels: ordered,
    purity: total > 0 ? ordered[0]!.count / total : null,
    entropy: total > 0 ? entropy : null,
  };
}
