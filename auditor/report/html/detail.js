// The panel beside the graph: the components that match, or one component with its evidence.
"use strict";
const LIST = 60;
const FACTS = 12;

const indexes = {};
// Node → the numbers of what a table says of it; made when first asked for.
function about(name, column, size) {
  if (!indexes[name]) {
    const index = (indexes[name] = new Map());
    for (let number = 0; number < size; number++) {
      const node = column(number);
      if (!index.has(node)) index.set(node, []);
      index.get(node).push(number);
    }
  }
  return indexes[name];
}
function findingsOf(node) {
  const { findings } = DATA;
  return about("findings", (n) => findings.node[n], findings.node.length).get(node) ?? [];
}
function edgesOf(node, end) {
  return about(end, (n) => DATA.edges[end][n], DATA.edges[end].length).get(node) ?? [];
}

function verdictPill(name) {
  return el("span", { class: "verdict", "data-verdict": name }, name ? words(name) : "not judged");
}
function pick(node, note) {
  const dot =
    state.colour === "split"
      ? el("span", { class: "dot", "data-side": DATA.nodes.side[node] })
      : el("span", { class: "dot", "data-verdict": verdictOf(node) });
  const choose = () => change({ node, from: "list" });
  const path = field(node, "path");
  const cut = path.lastIndexOf("/") + 1;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "pick", click: choose, title: path },
      dot,
      el(
        "span",
        { class: "mono where" },
        el("span", {}, path.slice(cut)),
        " ",
        muted(path.slice(0, cut)),
      ),
      muted(note),
    ),
  );
}

// A list of which only the first are made, until the reader asks for more.
function growing(items, shown, make) {
  const list = el("ul");
  const grow = (from) => {
    items.slice(from, from + shown).forEach((item) => list.append(make(item)));
    const rest = items.length - from - shown;
    if (rest <= 0) return;
    const more = el(
      "li",
      {},
      el(
        "button",
        {
          type: "button",
          click: () => {
            more.remove();
            grow(from + shown);
          },
        },
        `${rest.toLocaleString("en")} more`,
      ),
    );
    list.append(more);
  };
  grow(0);
  return list;
}

function listPanel(panel, nodes, unseen) {
  const said = [count(nodes.length, "component", "components")];
  if (unseen) said.push(`${unseen.toLocaleString("en")} more match and are filtered out`);
  const note = (node) =>
    state.colour === "split" ? DATA.nodes.side[node] : field(node, "role") || field(node, "reach");
  panel.replaceChildren(
    el("p", { class: "said", role: "status" }, said.join("; ")),
    growing(nodes, LIST, (node) => pick(node, note(node))),
  );
  panel.scrollTop = 0;
}

function sizeText(size) {
  let amount = size;
  for (const unit of ["B", "KiB", "MiB"]) {
    if (amount < 1024) return `${unit === "B" ? amount : amount.toFixed(1)} ${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(1)} GiB`;
}

function factsOf(node) {
  const { nodes } = DATA;
  const layer = nodes.layer[node];
  const rows = [
    ["Kind", field(node, "kind")],
    ["Reach", [field(node, "reach"), field(node, "role")].filter(Boolean).join(", ")],
    ["Route", field(node, "route")],
    ["Runtime", field(node, "runtime")],
    ["Package", field(node, "package")],
    ["Size", nodes.size[node] < 0 ? "" : sizeText(nodes.size[node])],
    ["Layer", layer < 0 ? "" : `${layer + 1}: ${text(DATA.layers[layer])}`],
    ["Split", nodes.side[node]],
    [
      "Unknown",
      DATA.unknowns
        .filter(([of]) => of === node)
        .map(([, reason]) => text(reason))
        .join("; "),
    ],
  ];
  const list = el("dl");
  for (const [name, value] of rows) if (value) list.append(el("dt", {}, name), el("dd", {}, value));
  return list;
}

function evidenceOf(finding) {
  const { findings, facts } = DATA;
  const numbers = findings.facts[finding].map((fact, order) => [
    fact,
    findings.offered[finding][order],
  ]);
  return growing(numbers, FACTS, ([fact, offered]) =>
    el(
      "li",
      {},
      mono(text(facts.detail[fact])),
      " ",
      muted(`${text(facts.kind[fact])}, `, mono(text(facts.place[fact]))),
      " ",
      el("span", { class: "level", "data-level": text(offered) }, text(offered)),
    ),
  );
}

function findingCard(finding) {
  const { findings, rows, rules } = DATA;
  const severity = text(findings.severity[finding]);
  const rule = text(findings.rule[finding]);
  const number = rules.id.indexOf(findings.rule[finding]);
  const row = findings.row[finding];
  const waiver = findings.waiver[finding];
  const chain = el("p", { class: "chain" });
  for (const node of DATA.chains.nodes[findings.chain[finding]]) {
    chain.append(mono(field(node, "path")), el("span", { class: "arrow" }, " → "));
  }
  chain.append(mono(rule));
  const support = text(findings.support[finding]);
  const card = el(
    "details",
    { class: "finding", "data-severity": severity },
    el(
      "summary",
      {},
      mono(rule),
      " ",
      el("span", { class: "level", "data-level": support }, support),
      " ",
      muted(`${severity}, ${text(findings.need[finding])}`),
    ),
    el("p", {}, number < 0 ? "" : `${text(rules.title[number])}. ${text(rules.why[number])}`),
    chain,
    evidenceOf(finding),
    el("p", {}, text(findings.remedy[finding])),
    el(
      "p",
      { class: "muted" },
      `Row ${text(rows.key[row])} of ${text(rows.file[row])}, ${text(rows.source[row])}, ${text(rows.as_of[row])}. ${text(rows.note[row])}`,
    ),
  );
  if (waiver >= 0) card.append(el("p", {}, `Waived: ${text(waiver)}`));
  if (severity === "error") card.open = true;
  return el("li", {}, card);
}

function verdictsOf(node) {
  const list = el("dl");
  DATA.targets.forEach((target, number) => {
    const verdict = verdictOf(node, number);
    if (verdict)
      list.append(el("dt", { class: "mono" }, target), el("dd", {}, verdictPill(verdict)));
  });
  return el("details", {}, el("summary", {}, "On every target"), list);
}

function neighbours(title, numbers, end) {
  if (!numbers.length) return [];
  const { edges } = DATA;
  const note = (number) => text(edges.kind[number]);
  return [
    el("h4", {}, title, " ", muted(String(numbers.length))),
    growing(numbers, FACTS, (number) => pick(edges[end][number], note(number))),
  ];
}

function nodePanel(panel, node, back) {
  const here = targetNumber();
  const order = (finding) => SEVERITIES.indexOf(text(DATA.findings.severity[finding]));
  const found = findingsOf(node)
    .filter((finding) => DATA.findings.target[finding] === here)
    .sort((a, b) => order(a) - order(b));
  const heading = el("h3", { class: "mono", tabindex: "-1" }, field(node, "path"));
  panel.replaceChildren(
    el("button", { type: "button", click: back }, "← All components"),
    heading,
    el("p", {}, verdictPill(verdictOf(node)), " ", muted(`on ${state.target}`)),
    factsOf(node),
    verdictsOf(node),
    el("h4", {}, "Evidence ", muted(count(found.length, "finding", "findings"))),
    found.length
      ? growing(found, FACTS, findingCard)
      : el(
          "p",
          { class: "muted" },
          field(node, "reach") === "present"
            ? "Nothing leads here, so it does not count."
            : "Nothing here was held against the tables.",
        ),
    ...neighbours("Leads to", edgesOf(node, "from"), "to"),
    ...neighbours("Reached from", edgesOf(node, "to"), "from"),
  );
  panel.scrollTop = 0;
  return heading;
}
