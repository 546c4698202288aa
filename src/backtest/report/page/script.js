"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figures");
  const coarse = matchMedia("(pointer: coarse)").matches;

  // A colour is written "$name" or "$name:alpha"; the page's own variables say what it looks like today.
  const coloured = (value, style) => {
    if (Array.isArray(value)) {
      return value.length > 8 && typeof value[0] === "number" ? value : value.map((part) => coloured(part, style));
    }
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part, style)]));
    }
    if (typeof value !== "string" || value[0] !== "$") return value;
    const [name, alpha] = value.slice(1).split(":");
    return style.getPropertyValue(`--${name}`).trim() + (alpha || "");
  };

  const config = { responsive: true, displaylogo: false, displayModeBar: coarse ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toggleSpikelines"] };

  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    for (const [name, figure] of Object.entries(figures)) {
      const place = document.getElementById(`figure-${name}`);
      if (!place) continue;
      const { data, layout } = coloured(figure, style);
      if (coarse) layout.dragmode = false; // a finger scrolls the page
      if (place.clientWidth < 500) {
        layout.height = Math.min(layout.height, 400);
        layout.font.size = 11;
        for (const axis of [layout.yaxis, layout.yaxis2]) if (axis && axis.type !== "category") delete axis.title;
      }
      Plotly.react(place, data, layout, config);
    }
  };

  const choosers = [...document.querySelectorAll("select[data-figure]")];
  for (const chooser of choosers) {
    chooser.addEventListener("change", () => {
      const name = chooser.dataset.figure;
      const mine = choosers.filter((other) => other.dataset.figure === name);
      const choice = figures[name].choices[mine.map((other) => other.value).join("|")];
      figures[name].data = [choice.data];
      figures[name].layout = choice.layout;
      draw();
    });
  }

  const save = document.getElementById("save");
  save.hidden = false;
  save.addEventListener("click", () => {
    const text = JSON.stringify(read("facts"), null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "result.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  document.body.dataset.drawn = "yes";
})();
