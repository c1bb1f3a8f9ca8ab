// Small charts that take the page's colours.

/** Bars of a latent's firing values; `tall` adds an axis and percentile lines. */
function histogramChart(latent, tall) {
  const { lo, hi, log10 } = latent.histogram;
  // Equal values all lie in the first bin: show them in the middle.
  const all = latent.histogram.counts;
  const counts = hi > lo ? all : all.map((_, i) => (i === all.length >> 1 ? all[0] : 0));
  // Text in it keeps a readable size on a phone.
  const width = tall ? (innerWidth < 600 ? 320 : 480) : 160;
  const height = tall ? 180 : 28;
  const bottom = tall ? 34 : 0;
  const top = tall ? 18 : 0;
  const left = tall ? 6 : 0;
  const most = Math.max(1, ...counts);
  const step = (width - 2 * left) / counts.length;
  const description = `Histogram of ${plural(
    counts.reduce((a, b) => a + b, 0),
    "firing value",
  )}${lo === hi ? "" : ` from ${format(log10 ? 10 ** lo : lo)} to ${format(log10 ? 10 ** hi : hi)}`}`;
  const chart = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    class: tall ? "histogram" : "spark",
    ...(tall
      ? { role: "img", "aria-label": description }
      : { "aria-hidden": "true", preserveAspectRatio: "none" }),
  });
  counts.forEach((n, i) => {
    if (n === 0) return;
    // The square root keeps rare strong values visible beside many weak ones.
    const h = Math.max(1, Math.sqrt(n / most) * (height - bottom - top));
    const bar = svg("rect", {
      x: left + i * step + 0.5,
      y: height - bottom - h,
      width: Math.max(1, step - 1),
      height: h,
      class: "bar-mark",
    });
    if (tall) bar.append(svg("title", { text: plural(n, "row") }));
    chart.append(bar);
  });
  if (!tall) return chart;
  chart.append(
    svg("line", { x1: left, x2: width - left, y1: height - bottom, y2: height - bottom, class: "axis" }),
  );
  const value = (x) => (log10 ? 10 ** x : x);
  if (hi > lo) {
    const at = (v) => left + (((log10 ? Math.log10(v) : v) - lo) / (hi - lo)) * (width - 2 * left);
    for (let i = 0; i <= 4; i += width < 400 ? 2 : 1) {
      const x = lo + ((hi - lo) * i) / 4;
      chart.append(
        svg("text", {
          x: left + ((width - 2 * left) * i) / 4,
          y: height - bottom + 15,
          "text-anchor": i === 0 ? "start" : i === 4 ? "end" : "middle",
          class: "tick",
          text: format(value(x)),
        }),
      );
    }
    const line = (v, name) => {
      if (v === null || (log10 && v <= 0)) return;
      const x = Math.min(width - left, Math.max(left, at(v)));
      chart.append(
        svg("line", { x1: x, x2: x, y1: top, y2: height - bottom, class: "rule" }),
        svg("text", {
          x,
          y: 12,
          "text-anchor": x > width / 2 ? "end" : "start",
          class: "rule-name",
          text: `${name} ${format(v)}`,
        }),
      );
    };
    line(latent.firingPercentile, `p${data.p} of firings`);
  } else if (counts.some((n) => n > 0)) {
    chart.append(
      svg("text", {
        x: width / 2,
        y: height - bottom + 15,
        "text-anchor": "middle",
        class: "tick",
        text: format(value(lo)),
      }),
    );
  }
  chart.append(
    svg("text", {
      x: width - left,
      y: height - 3,
      "text-anchor": "end",
      class: "tick",
      text: `value${log10 ? ", log scale" : ""}; height: √ rows`,
    }),
  );
  return chart;
}

/** Bars of the labels among a latent's images. */
function labelChart(latent) {
  const counts = labelCounts(latent).slice(0, 6);
  if (counts.length === 0) return null;
  const n = latent.images.length;
  return el(
    "ul",
    { class: "labels", "aria-label": "Labels of the images shown" },
    ...counts.map(([label, count]) => {
      const fill = el("span", { class: "fill" });
      fill.style.width = `${(100 * count) / n}%`;
      return el(
        "li",
        {},
        el("span", { class: "label-name", text: label }),
        el("span", { class: "label-bar" }, fill),
        el("span", { class: "label-count", text: `${count} of ${n}` }),
      );
    }),
  );
}
