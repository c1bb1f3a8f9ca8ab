import { useRef, useState } from "preact/hooks";
import type { LivePicture } from "../../../src/explorer/live/api.js";
import { RequestError, send } from "../data/source.js";
import { Picture } from "./picture.js";

interface PictureChooserProps {
  /** Id of the view. */
  readonly view: string;
  /** Images of the dataset; undefined where it is not at hand. */
  readonly nImages: number | undefined;
  /** Whether some images of the dataset are shown to begin with. */
  readonly suggest: boolean;
  readonly onChoose: (id: string, name: string) => void;
}

/** Images that are suggested, spread over the dataset. */
const suggestions = 12;

/** Takes a picture: dropped, chosen, or one of the dataset. */
export function PictureChooser({ view, nImages, suggest, onChoose }: PictureChooserProps) {
  const [state, setState] = useState<{ busy?: boolean; error?: string }>({});
  const [over, setOver] = useState(false);
  const number = useRef<HTMLInputElement>(null);
  const upload = async (file: Blob | undefined) => {
    if (!file) return;
    setState({ busy: true });
    try {
      const answer = await send("POST", `views/${view}/live/pictures`, file);
      const { id } = (await answer.json()) as LivePicture;
      setState({});
      onChoose(id, file instanceof File ? file.name : "");
    } catch (error) {
      setState({ error: error instanceof RequestError ? error.message : String(error) });
    }
  };
  return (
    <section class="chooser" aria-label="Choose a picture">
      <label
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void upload(event.dataTransfer?.files[0]);
        }}
      >
        <span class="button">Choose a picture</span> or drop one here. It stays on this machine.
        <input
          type="file"
          class="visually-hidden"
          accept="image/*,.ppm,.pgm,.pbm,.bmp,.tif,.tiff"
          onChange={(event) => {
            void upload(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      {nImages !== undefined && nImages > 0 && (
        <form
          class="tools"
          onSubmit={(event) => {
            event.preventDefault();
            const image = Number(number.current!.value);
            if (Number.isInteger(image) && image >= 0 && image < nImages) onChoose(`d${image}`, "");
          }}
        >
          <label>
            Image of the dataset{" "}
            <input ref={number} type="number" min={0} max={nImages - 1} step={1} required />
          </label>
          <button type="submit">Look at it</button>
          <button
            type="button"
            onClick={() => {
              const image = Math.floor(Math.random() * nImages);
              number.current!.value = String(image);
              onChoose(`d${image}`, "");
            }}
          >
            A random one
          </button>
        </form>
      )}
      {suggest && nImages !== undefined && nImages > 0 && (
        <ul class="images small" aria-label="Images of the dataset">
          {Array.from({ length: Math.min(suggestions, nImages) }, (_, i) =>
            Math.floor((i * nImages) / Math.min(suggestions, nImages)),
          ).map((image) => (
            <li key={image}>
              <button type="button" class="plain" onClick={() => onChoose(`d${image}`, "")}>
                <Picture image={image} size={110} alt={`image ${image} of the dataset`} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p role="status" class="soft">
        {state.busy ? "The model is looking at it…" : ""}
      </p>
      {state.error && <p role="alert">{state.error}</p>}
    </section>
  );
}
