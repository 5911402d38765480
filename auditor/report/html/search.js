// Search by path, package, kind, capability and symbol.
"use strict";
let searchable;
// A node's words: what it is, what it asks for and by which symbols.
function wordsOf(node) {
  if (!searchable) {
    searchable = DATA.nodes.path.map(
      (_, n) => new Set([DATA.nodes.path[n], DATA.nodes.package[n], DATA.nodes.kind[n]]),
    );
    const { findings, facts } = DATA;
    findings.node.forEach((of, number) => {
      if (of < 0) return;
      searchable[of].add(findings.rule[number]);
      for (const fact of findings.facts[number]) searchable[of].add(facts.detail[fact]);
    });
  }
  return searchable[node];
}
// Whether a node matches what the reader typed; null if nothing was.
function matcher(typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return null;
  const hits = new Set();
  DATA.texts.forEach((word, number) => {
    if (word.toLowerCase().includes(wanted)) hits.add(number);
  });
  return (node) => {
    for (const word of wordsOf(node)) if (hits.has(word)) return true;
    return false;
  };
}
