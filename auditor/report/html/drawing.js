// How nodes and edges look, by cytoscape's own style language.
"use strict";
const OUTSIDE = DATA.nodes.path.length - 1; // stands for others over the network
// Without a prototype: the keys that are looked up come from the report.
const SHAPES = {
  __proto__: null,
  executable: "round-rectangle",
  script: "diamond",
  "shared-library": "ellipse",
  wasm: "hexagon",
  entrypoint: "round-triangle",
  outside: "round-hexagon",
};
const TONES = {
  __proto__: null,
  "already-wasm": "green",
  rebuild: "lime",
  adapt: "amber",
  rearchitect: "orange",
  "keep-in-container": "red",
  "insufficient-evidence": "violet",
};
const SIDES = {
  __proto__: null,
  moves: "lime",
  stays: "red",
  both: "amber",
  "falls away": "muted",
  outside: "link",
};

// Neither the entrypoint nor the outside.
const isReal = (node) => node > 0 && node < OUTSIDE;

function nodeElement(node) {
  return {
    group: "nodes",
    data: {
      id: `n${node}`,
      node,
      label: nameOf(node),
      shape: SHAPES[field(node, "kind")] ?? "rectangle",
    },
    position: { x: DATA.nodes.place[node][0], y: DATA.nodes.place[node][1] },
    classes: [field(node, "role"), field(node, "reach")].filter(Boolean).join(" "),
  };
}

function edgeElement(number) {
  return {
    group: "edges",
    data: {
      id: `e${number}`,
      source: `n${DATA.edges.from[number]}`,
      target: `n${DATA.edges.to[number]}`,
      label: text(DATA.edges.kind[number]),
    },
    classes: DATA.edges.crosses[number] ? "crosses" : "",
  };
}

function toneOf(node) {
  if (!isReal(node)) return state.colour === "split" && node === OUTSIDE ? "link" : "ink";
  if (state.colour === "split") return SIDES[DATA.nodes.side[node]] ?? "edge";
  return TONES[verdictOf(node)] ?? "muted";
}

// `many`: labels lie on lines too dense to be worth a background.
function drawing(many) {
  const tones = "ink muted edge sheet link green lime amber orange red violet".split(" ");
  const colours = Object.fromEntries(tones.map((tone) => [tone, colourOf(tone)]));
  return [
    {
      selector: "node",
      style: {
        shape: "data(shape)",
        width: 16,
        height: 16,
        "background-color": (item) => colours[toneOf(item.data("node"))],
        "border-width": 0,
        label: "data(label)",
        "font-size": 13,
        "min-zoomed-font-size": 7,
        "text-valign": "center",
        "text-halign": "right",
        "text-margin-x": 5,
        "text-max-width": 190,
        "text-wrap": "ellipsis",
        "text-background-color": colours.sheet,
        "text-background-opacity": many ? 0 : 0.75,
        "text-background-padding": 1,
        color: colours.ink,
        "font-family": getComputedStyle(document.body).fontFamily,
      },
    },
    { selector: ".main", style: { width: 20, height: 20, "font-weight": 600 } },
    { selector: ".setup", style: { "background-opacity": 0.55 } },
    { selector: ".present", style: { width: 12, height: 12 } },
    {
      selector: "edge",
      style: {
        "curve-style": "straight",
        width: 1.2,
        "line-color": colours.edge,
        "line-opacity": 0.75,
        "target-arrow-shape": "triangle",
        "target-arrow-color": colours.edge,
        "arrow-scale": 0.7,
      },
    },
    {
      selector: ".crosses",
      style: {
        "line-style": "dashed",
        width: 2.5,
        "line-color": colours.link,
        "line-opacity": 1,
        "target-arrow-color": colours.link,
        label: "data(label)",
        "font-size": 10,
        color: colours.link,
        "text-background-color": colours.sheet,
        "text-background-opacity": 0.8,
      },
    },
    { selector: ".dim", style: { opacity: 0.13 } },
    {
      selector: ".near",
      style: {
        "line-color": colours.link,
        "line-opacity": 1,
        "target-arrow-color": colours.link,
        width: 2,
      },
    },
    {
      selector: ".way",
      style: { width: 4, "line-color": colours.link, "line-opacity": 1 },
    },
    {
      selector: "node.hit, node:selected, node.hover",
      style: {
        "min-zoomed-font-size": 0,
        "border-width": 3,
        "border-color": colours.link,
        "z-index": 9,
      },
    },
    { selector: ".off", style: { display: "none" } },
  ];
}
