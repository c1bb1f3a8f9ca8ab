import { useEffect, useMemo, useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import type { Comparison, Session, View } from "../../../src/explorer/api.js";
import { type Columns, columnsOf } from "../data/columns.js";
import { source } from "../data/current-source.js";
import { useLoaded } from "../data/use.js";
import { ViewContext } from "../data/view-context.js";
import { amount, figure } from "../parts/format.js";
import { Picture } from "../parts/picture.js";
import { PlotFigure, plotSize } from "../parts/plot.js";
import { useVirtual } from "../parts/use-virtual.js";
import { Waiting } from "../parts/waiting.js";

interface Side {
  readonly view: View;
  readonly columns: Columns;
}

async function side(id: string): Promise<Side> {
  const [view, bytes] = await Promise.all([
    source.json<View>(`views/${id}/view.json`),
    source.bytes(`views/${id}/columns.bin`),
  ]);
  return { view, columns: columnsOf(bytes) };
}

interface ComparePageProps {
  readonly session: Session;
  readonly a: string;
  readonly b: string;
}

/** Two SAEs of the same activations: which latents they share, and which only one has. */
export function ComparePage({ session, a, b }: ComparePageProps) {
  const [, navigate] = useLocation();
  // To choose what the other side shows is to swap them.
  const go = (left: string, right: string) => navigate(`/compare/${left}/${right}`);
  const loaded = useLoaded(async () => {
    const [comparison, left, right] = await Promise.all([
      source.json<Comparison>(`compare/${a}/${b}.json`),
      side(a),
      side(b),
    ]);
    return { comparison, left, right };
  }, [a, b]);
  useEffect(() => {
    document.title = "Compare · saev explorer";
  }, []);
  return (
    <>
      <h1>Compare</h1>
      <div class="actions">
        <ViewChoice name="A" session={session} value={a} onChoice={(id) => go(id, id === b ? a : b)} />
        <ViewChoice name="B" session={session} value={b} onChoice={(id) => go(id === a ? b : a, id)} />
      </div>
      {loaded.state === "ready" ? <Compared {...loaded.value} /> : <Waiting loaded={loaded} />}
    </>
  );
}

interface ViewChoiceProps {
  readonly name: string;
  readonly session: Session;
  readonly value: string;
  readonly onChoice: (id: string) => void;
}

function ViewChoice({ name, session, value, onChoice }: ViewChoiceProps) {
  return (
    <label>
      {name}{" "}
      <select value={value} onChange={(event) => onChoice(event.currentTarget.value)}>
        {session.views.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ComparedProps {
  readonly comparison: Comparison;
  readonly left: Side;
  readonly right: Side;
}

/** Which list is looked at. */
type Shown = "pairs" | "onlyA" | "onlyB";

function Compared({ comparison, left, right }: ComparedProps) {
  const [least, setLeast] = useState(0.7);
  const [shown, setShown] = useState<Shown>("pairs");
  const lists = useMemo(() => {
    const alike = comparison.pairs.filter(([, , cosine]) => cosine >= least);
    const unlike = comparison.pairs.filter(([, , cosine]) => cosine < least);
    return {
      pairs: alike,
      onlyA: [...unlike.map(([a]) => a), ...comparison.onlyA].map((a) => [a, undefined, Number.NaN] as const),
      onlyB: [...unlike.map(([, b]) => b), ...comparison.onlyB].map(
        (b) => [undefined, b, Number.NaN] as const,
      ),
    };
  }, [comparison, least]);
  const tab = (key: Shown, name: string) => (
    <button type="button" aria-pressed={shown === key} onClick={() => setShown(key)}>
      {name} <span class="soft">{lists[key].length}</span>
    </button>
  );
  return (
    <>
      <PlotFigure
        label={`Cosines of ${comparison.pairs.length} pairs of latents`}
        keys={[comparison]}
        draw={(Plot, width) =>
          Plot.plot({
            ...plotSize(width, 180),
            x: { label: "cosine of decoder directions →" },
            y: { label: "↑ pairs", grid: true },
            marks: [
              Plot.rectY(comparison.pairs, {
                ...Plot.binX(
                  { y: "count" },
                  { x: (pair: Comparison["pairs"][number]) => pair[2], thresholds: 50 },
                ),
                fill: "var(--density-high)",
              }),
            ],
          })
        }
      />
      <div class="list-bar">
        <label>
          Shared when the cosine is at least{" "}
          <input
            type="number"
            min="-1"
            max="1"
            step="0.05"
            value={least}
            onChange={(event) => {
              if (Number.isFinite(event.currentTarget.valueAsNumber))
                setLeast(event.currentTarget.valueAsNumber);
            }}
          />
        </label>
        <fieldset aria-label="Which latents">
          {tab("pairs", "Shared")}
          {tab("onlyA", "Only A")}
          {tab("onlyB", "Only B")}
        </fieldset>
      </div>
      <p class="facts">
        {amount(lists.pairs.length, "latent")} of {left.view.title} and {right.view.title} point the same way.
      </p>
      <PairList rows={lists[shown]} left={left} right={right} />
    </>
  );
}

type Row = readonly [a: number | undefined, b: number | undefined, cosine: number];

const rowHeight = 76;

function PairList({
  rows,
  left,
  right,
}: {
  readonly rows: readonly Row[];
  readonly left: Side;
  readonly right: Side;
}) {
  const { scroller, rows: inSight, height } = useVirtual(rows.length, rowHeight);
  return (
    <div class="scroller" ref={scroller}>
      <ul class="cards" aria-label="Pairs of latents" style={{ height: `${height}px` }}>
        {inSight.map(({ index, start }) => {
          const [a, b, cosine] = rows[index]!;
          return (
            <li
              key={index}
              class="pair"
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              style={{ height: `${rowHeight}px`, transform: `translateY(${start}px)` }}
            >
              <Half side={left} latent={a} />
              <span>{figure(cosine)}</span>
              <Half side={right} latent={b} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Half({
  side: { view, columns },
  latent,
}: {
  readonly side: Side;
  readonly latent: number | undefined;
}) {
  if (latent === undefined) return <span class="soft">–</span>;
  const words = (
    <>
      <Picture image={columns.best[latent]!} size={64} alt="" />
      Latent {latent}
    </>
  );
  return (
    <ViewContext.Provider value={{ source, view }}>
      {/* An export of some latents has no pages of the others. */}
      {view.only && !view.only.includes(latent) ? (
        <span class="half">{words}</span>
      ) : (
        <Link href={`/views/${view.id}/latents/${latent}`} class="half">
          {words}
        </Link>
      )}
    </ViewContext.Provider>
  );
}
