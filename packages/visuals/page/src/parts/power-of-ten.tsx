import { log10 } from "./format.js";

/** A frequency as a power of ten, which is how widely they differ. */
export function PowerOfTen({ value }: { readonly value: number }) {
  if (!(value > 0)) return <>never fires</>;
  return (
    <>
      10<sup>{log10(value)}</sup>
    </>
  );
}
