import { useRef, useState } from "preact/hooks";
import type { LivePicture } from "../../../src/explorer/live/api.js";
import { RequestError, send } from "../data/source.js";

interface PictureChooserProps {
  /** Id of the view. */
  readonly view: string;
  /** Images of the dataset; undefined where it is not at hand. */
  readonly nImages: number | undefined;
  readonly onChoose: (id: string, name: string) => void;
}

/** Takes a picture: dropped, chosen, or one of the dataset. */
export function PictureChooser({ view, nImages, onChoose }: PictureChooserProps) {
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
      <p role="status" class="soft">
        {state.busy ? "The model is looking at it…" : ""}
      </p>
      {state.error && <p role="alert">{state.error}</p>}
    </section>
  );
}
