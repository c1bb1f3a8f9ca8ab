import { benchTrain } from "./_train.js";

/** Training steps with 5 % and with 10 % of the latents active, as on the way from a random start. */
export default async () => {
  const results = [];
  for (const [percent, bEnc] of [
    [5, -1.6449],
    [10, -1.2816],
  ] as const) {
    const name = `train-mid ${percent} %`;
    results.push(
      ...(await benchTrain({ name, rows: 4096, dVit: 768, dSae: 6144, bEnc, steps: 5, unscreened: true })),
    );
  }
  return results;
};
