import { useState } from "preact/hooks";
import type { Note } from "../../../src/explorer/api.js";

interface NoteFormProps {
  readonly note: Note | undefined;
  readonly onSave: (note: Note) => Promise<void>;
}

const saved = "Saved.";

/** A person's own name for a latent, and what there is to say of it. */
export function NoteForm({ note, onSave }: NoteFormProps) {
  const [said, setSaid] = useState<Note>(note ?? { name: "", note: "" });
  const [result, setResult] = useState("");
  const changed = said.name !== (note?.name ?? "") || said.note !== (note?.note ?? "");
  return (
    <form
      class="note"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(said).then(
          () => setResult(saved),
          (error: Error) => setResult(error.message),
        );
      }}
    >
      <label>
        Name
        <input
          maxLength={200}
          value={said.name}
          onInput={(event) => setSaid({ ...said, name: event.currentTarget.value })}
        />
      </label>
      <label>
        Note
        <textarea
          rows={3}
          maxLength={20000}
          value={said.note}
          onInput={(event) => setSaid({ ...said, note: event.currentTarget.value })}
        />
      </label>
      <span class="actions">
        <button type="submit" disabled={!changed}>
          Save
        </button>
        <span role="status">{changed && result === saved ? "" : result}</span>
      </span>
    </form>
  );
}
