import { signal } from "@preact/signals";

/** The latent under the pointer or with the focus, in a list or on the map: the other marks it too. */
export const pointed = signal<number | undefined>(undefined);

export const point = (latent: number | undefined) => {
  pointed.value = latent;
};
