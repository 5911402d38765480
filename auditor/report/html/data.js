// The report's data, and the little that every other script needs. Text reaches the page by
// textContent alone: an image chose these names.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const VERDICTS = [
  "already-wasm",
  "rebuild",
  "adapt",
  "rearchitect",
  "keep-in-container",
  "insufficient-evidence",
];
const SEVERITIES = ["error", "warning", "note"];
const state = { target: DATA.chosen, colour: "verdict", node: null };
const listeners = [];

function text(number) {
  return number < 0 ? "" : DATA.texts[number];
}
function field(node, name) {
  return text(DATA.nodes[name][node]);
}
function targetNumber() {
  return DATA.targets.indexOf(state.target);
}
function verdictOf(node, number = targetNumber()) {
  const verdicts = DATA.nodes.verdicts[node];
  return number < verdicts.length ? text(verdicts[number]) : "";
}
function words(name) {
  return name.replaceAll("-", " ");
}
function change(changes) {
  Object.assign(state, changes);
  for (const listen of listeners) listen(changes);
}

// An element with attributes and children; a string becomes a text node.
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
function mono(...children) {
  return el("span", { class: "mono" }, ...children);
}
function muted(...children) {
  return el("span", { class: "muted" }, ...children);
}
function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
// A colour of the style sheet as a canvas understands it, in the theme that holds.
const probe = document.createElement("span");
function colourOf(name) {
  if (!probe.isConnected) {
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
