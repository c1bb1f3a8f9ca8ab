import { Link } from "wouter-preact";
import type { Session } from "../../../src/explorer/api.js";

/** What was opened. */
export function HomePage({ session }: { readonly session: Session }) {
  return (
    <>
      <h1>{session.title}</h1>
      <ul>
        {session.views.map((view) => (
          <li key={view.id}>
            <Link href={`/views/${view.id}`}>{view.title}</Link>: {view.dSae.toLocaleString("en")} latents
          </li>
        ))}
        {session.runs.map((run) => (
          <li key={run.id}>
            <Link href={`/runs/${run.id}`}>{run.title}</Link>: a training run
          </li>
        ))}
      </ul>
    </>
  );
}
