import { Link, Route, Router, Switch } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import type { Session } from "../../src/explorer/api.js";
import { source } from "./data/current-source.js";
import { type Loaded, settled } from "./data/use.js";
import { ComparePage } from "./pages/compare.js";
import { HomePage } from "./pages/home.js";
import { RunsPage } from "./pages/runs.js";
import { ViewPages } from "./pages/view.js";
import { ThemeButton } from "./parts/theme-button.js";
import { Waiting } from "./parts/waiting.js";

export const loadSession = (): Promise<Loaded<Session>> => settled(source.json<Session>("session.json"));

/** The frame of every page: where one is, what there is, what went wrong. */
export function App({ session }: { readonly session: Loaded<Session> }) {
  if (session.state !== "ready") return <Waiting loaded={session} />;
  return (
    // Hash addresses: they work from disk, and the server needs to know one page only.
    <Router hook={useHashLocation}>
      <header class="bar">
        <Link href="/" class="brand">
          {session.value.title}
        </Link>
        <ThemeButton />
      </header>
      <main id="main">
        <Switch>
          <Route path="/">
            <HomePage session={session.value} />
          </Route>
          <Route path="/views/:view/*?">{({ view }) => <ViewPages id={view!} />}</Route>
          <Route path="/compare/:a/:b">
            {({ a, b }) => <ComparePage session={session.value} a={a!} b={b!} />}
          </Route>
          <Route path="/runs">
            <RunsPage />
          </Route>
          <Route>
            <p role="alert">
              There is no such page. <Link href="/">Back to the start</Link>
            </p>
          </Route>
        </Switch>
      </main>
    </Router>
  );
}
