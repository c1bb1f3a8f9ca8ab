import { useContext, useEffect, useRef } from "preact/hooks";
import { ViewContext } from "../data/view-context.js";

interface PictureProps {
  readonly image: number;
  /** Side in CSS pixels at which it is shown. */
  readonly size: number;
  readonly alt: string;
  /** Asked for at once: for lists that hold little more than what is in sight. Default: when the browser finds it near to it. */
  readonly eager?: boolean;
}

/** An image of the dataset as the model saw it, as large as the screen needs. */
export function Picture({ image, size, alt, eager = false }: PictureProps) {
  const { source, view } = useContext(ViewContext);
  const shown = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const img = shown.current;
    // One that leaves a list is taken off the network: else what comes into sight waits for all that was scrolled past.
    return () => {
      if (!img || img.complete) return;
      img.removeAttribute("srcset");
      img.removeAttribute("src");
    };
  }, []);
  if (image < 0 || !view.pictures.ok) {
    return <span class="picture none" role="img" aria-label={alt || "no picture"} />;
  }
  const at = (side: number) => source.url(`views/${view.id}/images/${image}/${side}.webp`);
  const { sizes } = source;
  const fitting = (wanted: number) => sizes.find((side) => side >= wanted) ?? sizes.at(-1)!;
  return (
    <img
      ref={shown}
      class="picture"
      src={at(fitting(size))}
      srcset={`${at(fitting(size))} 1x, ${at(fitting(2 * size))} 2x`}
      width={size}
      height={size}
      alt={alt}
      loading={eager ? "eager" : "lazy"}
      decoding="async"
    />
  );
}
