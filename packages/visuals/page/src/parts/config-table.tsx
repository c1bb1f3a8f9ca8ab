import { useState } from "preact/hooks";
import type { Run } from "../../../src/explorer/api.js";
import { sideBySide } from "../data/differences.js";

/** Configs of runs side by side: what differs, and on request all of it. */
export function ConfigTable({ runs }: { readonly runs: readonly Run[] }) {
  const [all, setAll] = useState(false);
  const rows = sideBySide(runs.map((run) => run.config));
  const shown = rows.filter((row) => all || row.differs);
  return (
    <section aria-labelledby="configs">
      <div class="list-bar">
        <h2 id="configs">Configs</h2>
        <label class="chip">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          also what is the same
        </label>
      </div>
      {shown.length === 0 ? (
        <p class="soft">{runs.length < 2 ? "Show two runs to compare them." : "They are all the same."}</p>
      ) : (
        <div class="wide">
          <table class={all ? "runs configs whole" : "runs configs"}>
            <thead>
              <tr>
                <th scope="col">Field</th>
                {runs.map((run) => (
                  <th key={run.id} scope="col">
                    {run.title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path} class={differs ? "differs" : undefined}>
                  <th scope="row">{path}</th>
                  {runs.map((run, i) => (
                    <td key={run.id}>{values[i]}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
