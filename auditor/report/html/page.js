// What is no graph: the theme, the choice of a target, links to components.
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    change({ theme: dark() ? "dark" : "light" });
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    show();
  });
  system.addEventListener("change", show);
  show();

  const tabs = [...document.querySelectorAll("[role=tab]")];
  const ways = [...document.querySelectorAll(".way")];
  const choose = (changes) => {
    if (!("target" in changes)) return;
    for (const tab of tabs) {
      const chosen = tab.dataset.choose === state.target;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    for (const way of ways) way.classList.toggle("other", way.dataset.target !== state.target);
  };
  listeners.push(choose);
  for (const element of document.querySelectorAll("[data-choose]")) {
    element.addEventListener("click", () => change({ target: element.dataset.choose }));
  }
  const list = document.querySelector("[role=tablist]");
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    change({ target: next.dataset.choose });
    next.focus();
  });
  list.hidden = tabs.length < 2;
  choose({ target: state.target });

  for (const link of document.querySelectorAll("[data-node]")) {
    link.addEventListener("click", () => change({ node: Number(link.dataset.node), from: "page" }));
  }
  for (const link of document.querySelectorAll("[data-colour]")) {
    link.addEventListener("click", () => change({ colour: link.dataset.colour }));
  }
})();
