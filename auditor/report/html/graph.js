// The graph: drawn by cytoscape at the places that the page brings, filtered, searched, coloured.
"use strict";
(() => {
  const { nodes, edges } = DATA;
  const total = nodes.path.length;
  const outside = total - 1;
  const MANY = 400;
  const SHAPES = { executable: "round-rectangle", script: "cut-rectangle", "shared-library": "ellipse", wasm: "hexagon", entrypoint: "round-triangle", outside: "diamond" };
  const TONES = { "already-wasm": "green", rebuild: "lime", adapt: "amber", rearchitect: "orange", "keep-in-container": "red", "insufficient-evidence": "violet" };
  const SIDES = { moves: "lime", stays: "red", both: "amber", "falls away": "muted", outside: "link" };
  const byId = (id) => document.getElementById(id);
  const panel = byId("panel");
  const search = byId("search");
  const reach = new Set(["observed", "reachable"]);
  const verdicts = new Set([...VERDICTS, ""]);
  let cy;
  let drawn = 0;

  const id = (node) => `n${node}`;
  const name = (path) => path.slice(path.lastIndexOf("/", path.length - 2) + 1) || path;
  const isReal = (node) => node !== 0 && node !== outside;

  function element(node) {
    const kind = field(node, "kind");
    return {
      group: "nodes",
      data: { id: id(node), node, label: name(field(node, "path")), shape: SHAPES[kind] ?? "rectangle", side: nodes.side[node], tone: "" },
      position: { x: nodes.place[node][0], y: nodes.place[node][1] },
      classes: [field(node, "role") || "none", field(node, "reach")].join(" "),
    };
  }
  function edge(number) {
    const [from, to] = [edges.from[number], edges.to[number]];
    return { group: "edges", data: { id: `e${number}`, source: id(from), target: id(to), label: text(edges.kind[number]) }, classes: edges.crosses[number] ? "crosses" : "" };
  }
  // Nodes before `until` that are not drawn yet, and the edges whose both ends are drawn then.
  function draw(until) {
    const before = drawn;
    drawn = until;
    const there = (node) => node < until || node === outside;
    const fresh = (node) => node >= before && node < until;
    const elements = [];
    for (let node = before; node < until; node++) elements.push(element(node));
    if (before === 0) elements.push(element(outside));
    for (let number = 0; number < edges.from.length; number++) {
      const [from, to] = [edges.from[number], edges.to[number]];
      if (there(from) && there(to) && (fresh(from) || fresh(to))) elements.push(edge(number));
    }
    return elements;
  }

  function toneOf(node) {
    if (!isReal(node)) return state.colour === "split" && node === outside ? "link" : "ink";
    return (state.colour === "split" ? SIDES[nodes.side[node]] : TONES[verdictOf(node)]) ?? "muted";
  }
  function style(many) {
    const colours = Object.fromEntries(["ink", "muted", "line", "edge", "sheet", "link", "green", "lime", "amber", "orange", "red", "violet"].map((tone) => [tone, colourOf(tone)]));
    return [
      { selector: "node", style: { shape: "data(shape)", width: 16, height: 16, "background-color": (item) => colours[toneOf(item.data("node"))], "border-width": 0, label: "data(label)", "font-size": 12, "min-zoomed-font-size": 7, "text-valign": "center", "text-halign": "right", "text-margin-x": 5, "text-max-width": 190, "text-wrap": "ellipsis", color: colours.ink, "font-family": getComputedStyle(document.body).fontFamily } },
      { selector: ".main", style: { width: 20, height: 20, "font-weight": 600 } },
      { selector: ".setup", style: { "background-opacity": 0.55 } },
      { selector: ".present", style: { width: 11, height: 11, label: "", "background-opacity": 0.6 } },
      { selector: "edge", style: { "curve-style": many ? "haystack" : "straight", width: many ? 0.7 : 1.2, "line-color": colours.edge, "line-opacity": many ? 0.35 : 0.75, "target-arrow-shape": many ? "none" : "triangle", "target-arrow-color": colours.edge, "arrow-scale": 0.7 } },
      { selector: "edge.crosses", style: { "line-style": "dashed", width: 2.5, "line-color": colours.link, "line-opacity": 1, "target-arrow-color": colours.link, label: "data(label)", "font-size": 10, color: colours.link } },
      { selector: ".dim", style: { opacity: 0.13 } },
      { selector: ".near", style: { "line-color": colours.link, "line-opacity": 1, "target-arrow-color": colours.link, width: 2 } },
      { selector: "node.hit, node:selected, node.hover", style: { label: "data(label)", "min-zoomed-font-size": 0, "border-width": 3, "border-color": colours.link } },
      { selector: ".off", style: { display: "none" } },
    ];
  }

  let searchable;
  // A node's words: what it is, what it asks for and by which symbols.
  function wordsOf(node) {
    if (!searchable) {
      searchable = Array.from({ length: total }, (_, n) => new Set([nodes.path[n], nodes.package[n], nodes.kind[n]]));
      const { findings, facts } = DATA;
      findings.node.forEach((of, number) => {
        if (of < 0) return;
        searchable[of].add(findings.rule[number]);
        for (const fact of findings.facts[number]) searchable[of].add(facts.detail[fact]);
      });
    }
    return searchable[node];
  }
  function searcher() {
    const wanted = search.value.trim().toLowerCase();
    if (!wanted) return null;
    const hits = new Set();
    DATA.texts.forEach((word, number) => { if (word.toLowerCase().includes(wanted)) hits.add(number); });
    return (node) => { for (const word of wordsOf(node)) if (hits.has(word)) return true; return false; };
  }
  const passes = (node) => reach.has(field(node, "reach")) && verdicts.has(verdictOf(node));

  function show() {
    if (reach.has("present") && drawn < outside) cy.add(draw(outside));
    const wanted = searcher();
    const matching = [];
    let unseen = 0;
    for (let node = 1; node < outside; node++) {
      if (wanted && !wanted(node)) continue;
      if (passes(node)) matching.push(node);
      else if (wanted) unseen++;
    }
    const hits = wanted && new Set(matching);
    cy.batch(() => {
      cy.nodes().forEach((item) => {
        const node = item.data("node");
        const off = node === outside ? state.colour !== "split" || !nodes.side[outside] : node !== 0 && !passes(node);
        item.toggleClass("off", off);
        item.toggleClass("dim", Boolean(hits) && !hits.has(node));
        item.toggleClass("hit", Boolean(hits) && hits.has(node) && hits.size <= MANY);
      });
      cy.edges(".crosses").toggleClass("off", state.colour !== "split");
      cy.edges().toggleClass("dim", Boolean(hits));
    });
    if (state.node === null) listPanel(panel, matching, unseen);
    else select();
    if (hits?.size && state.node === null) cy.animate({ fit: { eles: cy.nodes(".hit"), padding: 80 }, duration: 0 });
    document.documentElement.dataset.matching = matching.length;
  }
  function select() {
    cy.elements().unselect().removeClass("near");
    if (state.node >= drawn && state.node < outside) { reach.add("present"); boxes(); cy.add(draw(outside)); show(); return null; }
    const item = cy.getElementById(id(state.node));
    item.removeClass("off").select();
    item.connectedEdges().addClass("near");
    return nodePanel(panel, state.node, () => { change({ node: null }); search.focus(); });
  }
  function legend() {
    const pairs = state.colour === "split"
      ? [...new Set(nodes.side)].filter(Boolean).map((side) => ["data-side", side])
      : VERDICTS.filter((verdict) => nodes.verdicts.some((_, node) => node < DATA.reached && verdictOf(node) === verdict)).map((verdict) => ["data-verdict", verdict]);
    const said = state.colour === "split" && state.target !== DATA.split ? [el("li", {}, `the split for ${DATA.split}`)] : [];
    byId("legend").replaceChildren(...pairs.map(([key, value]) => el("li", {}, el("span", { class: "dot", [key]: value }), words(value))), ...said);
  }
  function box(set, value, label, number) {
    const input = el("input", { type: "checkbox", value, change: () => { input.checked ? set.add(value) : set.delete(value); change({ node: null }); } });
    input.checked = set.has(value);
    return el("label", {}, input, label, " ", muted(number.toLocaleString("en")));
  }
  function boxes() {
    const by = (of) => { const counts = new Map(); for (let node = 1; node < outside; node++) counts.set(of(node), (counts.get(of(node)) ?? 0) + 1); return counts; };
    const fill = (place, set, counts, names, label) => byId(place).replaceChildren(byId(place).querySelector("legend"), ...names.filter((value) => counts.has(value)).map((value) => box(set, value, label(value), counts.get(value))));
    fill("reach", reach, by((node) => field(node, "reach")), ["observed", "reachable", "present"], words);
    fill("verdicts", verdicts, by((node) => verdictOf(node)), [...VERDICTS, ""], (value) => (value ? words(value) : "not judged"));
  }

  listeners.push((changes) => {
    if (!cy) return;
    if ("theme" in changes || "colour" in changes || "target" in changes) cy.style(style(cy.edges().length > MANY));
    if ("target" in changes || "colour" in changes) { byId("target").value = state.target; byId("colour").value = state.colour; legend(); boxes(); }
    if ("theme" in changes && Object.keys(changes).length === 1) return;
    if (state.node === null) cy.elements().unselect().removeClass("near");
    show();
    if (changes.from && state.node !== null) {
      const item = cy.getElementById(id(state.node));
      cy.animate({ center: { eles: item }, zoom: Math.max(cy.zoom(), 0.8), duration: 0 });
      panel.querySelector("h3")?.focus({ preventScroll: true });
    }
  });

  function printed(on) {
    const image = byId("graph-print");
    if (!cy || !on) { image.removeAttribute("src"); return; }
    const theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    cy.style(style(cy.edges().length > MANY));
    image.src = cy.png({ full: true, maxWidth: 2400, maxHeight: 2400, bg: "#fff" });
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    cy.style(style(cy.edges().length > MANY));
  }

  function start() {
    document.querySelector(".explorer").hidden = false;
    boxes();
    legend();
    const elements = draw(DATA.reached);
    const many = elements.length > 2 * MANY;
    cy = cytoscape({ container: byId("cy"), elements, style: style(many), layout: { name: "preset", padding: 30 }, minZoom: 0.02, maxZoom: 3, pixelRatio: many ? 1 : "auto", hideEdgesOnViewport: many, textureOnViewport: many, boxSelectionEnabled: false, autoungrabify: true });
    // The wheel scrolls the page, unless Ctrl is held or the graph was clicked.
    let inside = false;
    byId("cy").addEventListener("wheel", (event) => cy.userZoomingEnabled(inside || event.ctrlKey || event.metaKey), { capture: true });
    byId("cy").addEventListener("pointerdown", () => { inside = true; cy.userZoomingEnabled(true); }, { capture: true });
    byId("cy").addEventListener("pointerleave", () => { inside = false; });
    cy.on("tap", "node", (event) => { const node = event.target.data("node"); if (isReal(node)) change({ node }); });
    cy.on("tap", (event) => { if (event.target === cy) change({ node: null }); });
    cy.on("mouseover", "node", (event) => event.target.addClass("hover"));
    cy.on("mouseout", "node", (event) => event.target.removeClass("hover"));
    const zoom = (factor) => cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    byId("zoom-in").addEventListener("click", () => zoom(1.4));
    byId("zoom-out").addEventListener("click", () => zoom(1 / 1.4));
    byId("zoom-fit").addEventListener("click", () => cy.fit(cy.elements(":visible"), 30));
    byId("target").addEventListener("change", (event) => change({ target: event.target.value }));
    byId("colour").addEventListener("change", (event) => change({ colour: event.target.value }));
    let waiting;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => change({ node: null }), 120); });
    addEventListener("beforeprint", () => printed(true));
    addEventListener("afterprint", () => printed(false));
    cy.one("render", () => { document.documentElement.dataset.ready = Math.round(performance.now()); });
    window.auditorGraph = cy;
    show();
  }
  // After the first paint: the answer comes first.
  requestAnimationFrame(() => setTimeout(start));
})();
