// Runs before anything is drawn: language and theme, as this browser or its account had them last.
"use strict";

(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }    // a browser may forbid to store anything
  };
  root.lang = stored("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
  root.dataset.theme = stored("theme") ?? "system";
  root.dataset.waits = "";
  addEventListener("load", () => delete root.dataset.waits);    // also where the module that translates did not come
})();
