import { useContext } from "preact/hooks";
import { ViewContext } from "../data/view-context.js";

interface PictureProps {
  readonly image: number;
  /** Side in CSS pixels at which it is shown. */
  readonly size: number;
  readonly alt: string;
}

/** An image of the dataset as the model saw it, as large as the screen needs. */
export function Picture({ image, size, alt }: PictureProps) {
  const { source, view } = useContext(ViewContext);
  if (image < 0 || !view.pictures.ok) {
    return <span class="picture none" role="img" aria-label={alt || "no picture"} />;
  }
  const at = (side: number) => source.url(`views/${view.id}/images/${image}/${side}.webp`);
  const { sizes } = source;
  const fitting = (wanted: number) => sizes.find((side) => side >= wanted) ?? sizes.at(-1)!;
  return (
    <img
      class="picture"
      src={at(fitting(size))}
      srcset={`${at(fitting(size))} 1x, ${at(fitting(2 * size))} 2x`}
      width={size}
      height={size}
      alt={alt}
      loading="lazy"
      decoding="async"
    />
  );
}
