// The graph: filtered, searched, coloured; what is chosen is drawn by cytoscape, at the places that
// the page brings, and what is many as dots beneath it.
"use strict";
(() => {
  const { nodes, edges } = DATA;
  // So many elements cytoscape draws well under a second on a slow machine.
  const [MANY_NODES, MANY_EDGES, FIRST] = [500, 1500, 250];
  const many = DATA.reached > MANY_NODES || edges.from.length > MANY_EDGES;
  const byId = (id) => document.getElementById(id);
  const panel = byId("panel");
  const search = byId("search");
  const reach = new Set(["observed", "reachable"]);
  const verdicts = new Set([...VERDICTS, ""]);
  const dots = new Dots(byId("dots"));
  let cy;
  let matching = [];

  const ROLES = ["main", "runtime", "setup", ""];
  const rank = (node) =>
    ROLES.indexOf(field(node, "role")) * 10 - VERDICTS.indexOf(verdictOf(node));
  const ranked = (numbers) =>
    numbers
      .map((node) => [rank(node), node])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])
      .map(([, node]) => node);
  const passes = (node) =>
    !isReal(node) || (reach.has(field(node, "reach")) && verdicts.has(verdictOf(node)));

  const has = (id) => cy.hasElementWithId(id);
  // Nodes that are dots become elements, with the edges that `wanted` names.
  function bring(numbers, wanted) {
    const fresh = numbers.filter((node) => !has(`n${node}`));
    cy.add(fresh.map(nodeElement));
    cy.add(
      wanted
        .filter(
          (number) =>
            !has(`e${number}`) && has(`n${edges.from[number]}`) && has(`n${edges.to[number]}`),
        )
        .map(edgeElement),
    );
  }

  function show() {
    const wanted = matcher(search.value);
    const found = [];
    let unseen = 0;
    for (let node = 1; node < OUTSIDE; node++) {
      if (wanted && !wanted(node)) continue;
      if (passes(node)) found.push(node);
      else if (wanted) unseen++;
    }
    matching = ranked(found);
    const hits = wanted && new Set(matching);
    if (hits) bring(matching.slice(0, FIRST), []);
    const split = state.colour === "split";
    cy.batch(() => {
      for (const item of cy.nodes()) {
        const node = item.data("node");
        item.toggleClass("off", node === OUTSIDE ? !split || !nodes.side[OUTSIDE] : !passes(node));
        item.toggleClass("dim", Boolean(hits) && !hits.has(node));
        item.toggleClass("hit", Boolean(hits) && hits.has(node));
      }
      cy.edges(".crosses").toggleClass("off", !split);
      cy.edges().toggleClass("dim", Boolean(hits));
    });
    beneath(hits);
    counts();
    if (state.node === null) listPanel(panel, matching, unseen);
    else select();
    if (hits?.size && state.node === null) fit(matching);
    document.documentElement.dataset.matching = matching.length;
  }
  // What is no element of cytoscape's, and passes the filters.
  function beneath(hits) {
    const visible = new Set();
    for (let node = 0; node < OUTSIDE; node++) if (passes(node)) visible.add(node);
    dots.nodes = [...visible].filter((node) => many || node >= DATA.reached);
    dots.edges = [];
    for (let number = 0; many && number < edges.from.length; number++) {
      if (
        !edges.crosses[number] &&
        visible.has(edges.from[number]) &&
        visible.has(edges.to[number])
      )
        dots.edges.push(number);
    }
    dots.tone = toneOf;
    dots.dim = (node) => (hits ? !hits.has(node) : false);
    paint();
  }
  function paint() {
    dots.paint({ zoom: cy.zoom(), pan: cy.pan(), width: cy.width(), height: cy.height() });
  }
  function fit(numbers) {
    const box = boxAround(numbers.length ? numbers : [0]);
    const zoom = Math.min((cy.width() - 40) / box.width, (cy.height() - 50) / box.height, 1.6);
    cy.viewport({
      zoom,
      pan: {
        x: (cy.width() - zoom * box.width) / 2 - zoom * box.left,
        y: (cy.height() - zoom * box.height) / 2 - zoom * box.top,
      },
    });
  }
  function drawn() {
    const numbers = [];
    for (let node = 0; node < OUTSIDE; node++) if (passes(node)) numbers.push(node);
    if (state.colour === "split" && nodes.side[OUTSIDE]) numbers.push(OUTSIDE);
    return numbers;
  }
  let parents;
  // The edges of a shortest way from the entrypoint to a node.
  function wayTo(node) {
    if (!parents) {
      parents = new Map([[0, -1]]);
      const waiting = [0]; // grows while it is walked
      for (const from of waiting) {
        for (const number of edgesOf(from, "from")) {
          const to = edges.to[number];
          if (edges.crosses[number] || parents.has(to)) continue;
          parents.set(to, number);
          waiting.push(to);
        }
      }
    }
    const way = [];
    for (let at = node; parents.get(at) >= 0; at = edges.from[parents.get(at)]) {
      way.unshift(parents.get(at));
    }
    return way;
  }
  function select() {
    const { node } = state;
    const way = wayTo(node);
    const around = [...edgesOf(node, "from"), ...edgesOf(node, "to")].slice(0, FIRST);
    const shown = [...way, ...around].filter((number) => !edges.crosses[number]);
    cy.elements().unselect().removeClass("near way");
    bring([node, ...shown.flatMap((number) => [edges.from[number], edges.to[number]])], shown);
    for (const number of way) cy.getElementById(`e${number}`).addClass("way");
    const item = cy.getElementById(`n${node}`);
    item.removeClass("off").select();
    item.connectedEdges().addClass("near");
    nodePanel(panel, node, () => {
      change({ node: null });
      search.focus();
    });
  }

  function legend() {
    const split = state.colour === "split";
    const used = new Set(Array.from({ length: DATA.reached }, (_, node) => verdictOf(node)));
    const sides = ["moves", "stays", "both", "falls away", "outside"].filter((side) =>
      nodes.side.includes(side),
    );
    const names = split ? sides : VERDICTS.filter((verdict) => used.has(verdict));
    const items = names.map((value) =>
      el(
        "li",
        {},
        el("span", { class: "dot", [split ? "data-side" : "data-verdict"]: value }),
        words(value),
      ),
    );
    if (split && state.target !== DATA.split)
      items.push(el("li", {}, `the split for ${DATA.split}`));
    byId("legend").replaceChildren(...items);
  }
  // Check boxes, made once; their numbers follow the target and what is shown.
  const numbers = new Map();
  function box(set, value, label) {
    const toggle = () => {
      if (input.checked) set.add(value);
      else set.delete(value);
      change({ node: null });
    };
    const input = el("input", { type: "checkbox", value, change: toggle });
    input.checked = set.has(value);
    numbers.set(input, muted(""));
    return el("label", {}, input, label, " ", numbers.get(input));
  }
  function boxes() {
    const reaches = new Set(nodes.reach.slice(1, -1).map(text));
    const judged = new Set(nodes.verdicts.slice(1, -1).flat().map(text));
    const fill = (place, set, values) =>
      byId(place).append(
        ...values.map((value) => box(set, value, value ? words(value) : "not judged")),
      );
    fill(
      "reach",
      reach,
      ["observed", "reachable", "present"].filter((value) => reaches.has(value)),
    );
    fill(
      "verdicts",
      verdicts,
      [...VERDICTS, ""].filter((value) => judged.has(value)),
    );
  }
  function counts() {
    const found = new Map();
    const add = (value) => found.set(value, (found.get(value) ?? 0) + 1);
    for (let node = 1; node < OUTSIDE; node++) {
      add(field(node, "reach"));
      if (reach.has(field(node, "reach"))) add(verdictOf(node));
    }
    for (const [input, number] of numbers)
      number.textContent = (found.get(input.value) ?? 0).toLocaleString("en");
  }

  listeners.push((changes) => {
    if (!cy) return;
    if ("theme" in changes || "colour" in changes || "target" in changes) cy.style(drawing(many));
    if ("theme" in changes) {
      paint();
      return;
    }
    if ("target" in changes || "colour" in changes) {
      byId("target").value = state.target;
      byId("colour").value = state.colour;
      legend();
    }
    if (state.node === null) cy.elements().unselect().removeClass("near way");
    show();
    if (changes.from && state.node !== null) {
      cy.animate({
        center: { eles: cy.getElementById(`n${state.node}`) },
        zoom: Math.max(cy.zoom(), 0.8),
        duration: 0,
      });
      panel.querySelector("h3")?.focus({ preventScroll: true });
    }
  });

  function printed(on) {
    const image = byId("graph-print");
    if (!cy || !on) {
      image.removeAttribute("src");
      return;
    }
    const root = document.documentElement;
    const { theme } = root.dataset;
    root.dataset.theme = "light";
    cy.style(drawing(many));
    image.src = many
      ? dots.image(2400)
      : cy.png({ full: true, maxWidth: 2400, maxHeight: 2400, bg: "#fff" });
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    cy.style(drawing(many));
  }

  function listen() {
    // The wheel scrolls the page, unless Ctrl is held or the graph was clicked.
    const container = byId("cy");
    let inside = false;
    container.addEventListener(
      "wheel",
      (event) => cy.userZoomingEnabled(inside || event.ctrlKey || event.metaKey),
      { capture: true },
    );
    container.addEventListener(
      "pointerdown",
      () => {
        inside = true;
        cy.userZoomingEnabled(true);
      },
      { capture: true },
    );
    container.addEventListener("pointerleave", () => {
      inside = false;
    });
    const dotAt = (event) => dots.at(event.position, 12 / Math.min(cy.zoom(), 1));
    cy.on("tap", (event) => {
      const node = event.target === cy ? dotAt(event) : (event.target.data("node") ?? -1);
      if (isReal(node)) change({ node });
      else if (event.target === cy) change({ node: null });
    });
    cy.on("mouseover", "node", (event) => event.target.addClass("hover"));
    cy.on("mouseout", "node", (event) => event.target.removeClass("hover"));
    cy.on("mousemove", (event) => {
      const node = event.target === cy ? dotAt(event) : -1;
      if (node === dots.hover) return;
      dots.hover = node;
      paint();
    });
    cy.on("viewport resize", paint);
    const zoom = (factor) =>
      cy.zoom({
        level: cy.zoom() * factor,
        renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 },
      });
    byId("zoom-in").addEventListener("click", () => zoom(1.4));
    byId("zoom-out").addEventListener("click", () => zoom(1 / 1.4));
    byId("zoom-fit").addEventListener("click", () => fit(drawn()));
    byId("target").addEventListener("change", (event) => change({ target: event.target.value }));
    byId("colour").addEventListener("change", (event) => change({ colour: event.target.value }));
    let waiting;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => change({ node: null }), 120);
    });
    addEventListener("beforeprint", () => printed(true));
    addEventListener("afterprint", () => printed(false));
  }

  function start() {
    boxes();
    legend();
    const reached = ranked(Array.from({ length: DATA.reached - 1 }, (_, node) => node + 1));
    cy = cytoscape({
      container: byId("cy"),
      style: drawing(many),
      layout: { name: "preset", fit: false },
      minZoom: 0.02,
      maxZoom: 3,
      boxSelectionEnabled: false,
      autoungrabify: true,
    });
    const first = [0, ...(many ? reached.slice(0, FIRST) : reached), OUTSIDE];
    const lines = edges.from
      .map((_, number) => number)
      .filter((number) => !many || edges.crosses[number]);
    bring(first, lines);
    fit(drawn());
    listen();
    cy.one("render", () => {
      document.documentElement.dataset.ready = Math.round(performance.now());
    });
    window.auditorGraph = cy;
    show();
  }
  // After the first paint: the answer comes first.
  requestAnimationFrame(() => setTimeout(start));
})();
