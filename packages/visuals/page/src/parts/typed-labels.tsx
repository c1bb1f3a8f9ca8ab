import { useEffect, useState } from "preact/hooks";
import type { LiveModel } from "../../../src/explorer/live/api.js";
import type { LabelScores } from "../../../src/explorer/texts/api.js";
import { send } from "../data/source.js";
import { useLoaded } from "../data/use.js";
import { Scores } from "./steered-figures.js";

interface TypedLabelsProps {
  readonly view: string;
  /** Id of the picture. */
  readonly picture: string;
  readonly model: LiveModel & { readonly ok: true };
  readonly labels: readonly string[];
  readonly onChange: (labels: readonly string[]) => void;
}

/** Labels that a person types, and how likely each is for the picture. Nothing for a model without a text tower. */
export function TypedLabels({ view, picture, model, labels, onChange }: TypedLabelsProps) {
  const said = labels.join(", ");
  const [typed, setTyped] = useState(said);
  useEffect(() => setTyped(said), [said]);
  const few = labels.length === 1;
  const loaded = useLoaded<LabelScores | undefined>(async () => {
    if (labels.length < 2 || !model.texts.ok) return undefined;
    const answer = await send(
      "POST",
      `views/${view}/live/pictures/${picture}/scores`,
      JSON.stringify({ labels }),
    );
    return (await answer.json()) as LabelScores;
  }, [view, picture, said]);
  if (!model.texts.ok) return null;
  return (
    <>
      <form
        class="tools"
        aria-label="Score with labels"
        onSubmit={(event) => {
          event.preventDefault();
          onChange(labelsOf(typed));
        }}
      >
        <label>
          Labels{" "}
          <input
            id="labels"
            placeholder="a cat, a dog, a car"
            autocomplete="off"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Score</button>
        <span role="status">
          {few && "One more label: scores compare labels with each other."}
          {loaded.state === "failed" && loaded.error}
        </span>
      </form>
      {loaded.state === "ready" && loaded.value && (
        <Scores names={loaded.value.labels} before={loaded.value.scores} />
      )}
    </>
  );
}

/** Names between commas, each once. */
export const labelsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((label) => label.trim())
      .filter((label) => label !== ""),
  ),
];
