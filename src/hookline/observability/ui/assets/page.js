// What a page does with a script: tips on charts, "/" for the search, and reloading on request. Without it everything is there.
(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  // A title of SVG shows late, and not at all on a touch screen.
  for (const title of document.querySelectorAll(".datum > title")) {
    title.parentElement.dataset.tip = title.textContent;
    title.remove();
  }
  const place = (event) => {
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, window.innerWidth - box.width - 8);
    const above = event.clientY - box.height - 12;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above < 8 ? event.clientY + 18 : above}px`;
  };
  document.addEventListener("pointerover", (event) => {
    const datum = event.target instanceof Element && event.target.closest("[data-tip]");
    tip.hidden = !datum;
    if (datum) {
      tip.textContent = datum.dataset.tip;
      place(event);
    }
  });
  document.addEventListener("pointermove", (event) => { if (!tip.hidden) place(event); });
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  const finder = document.querySelector(".finder input");
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input,select,textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && finder) {
      event.preventDefault();
      finder.focus();
    }
    if (event.key === "Escape") tip.hidden = true;
  });

  const choice = document.getElementById("refresh");
  const key = "hookline-refresh-s";
  const remembered = () => { try { return localStorage.getItem(key) || "0"; } catch { return "0"; } };
  let timer = 0;
  const schedule = () => {
    clearTimeout(timer);
    const seconds = Number(choice.value);
    if (seconds > 0) timer = setTimeout(reload, seconds * 1000);
  };
  const reload = () => {
    const busy = document.hidden || document.activeElement?.matches("input,select") || document.querySelector("iframe");
    if (busy) schedule();
    else location.reload();
  };
  if (choice) {
    choice.parentElement.hidden = false;
    choice.value = remembered();
    if (!choice.value) choice.value = "0";
    choice.addEventListener("change", () => {
      try { localStorage.setItem(key, choice.value); } catch { /* then for this page only */ }
      choice.blur();
      schedule();
    });
    schedule();
  }
  document.documentElement.dataset.ready = "yes";
})();
