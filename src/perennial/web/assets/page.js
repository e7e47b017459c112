// What the pages do beyond HTML: they follow Airflow's light and dark, leave its frame for its own pages, and send a form once.
(() => {
  "use strict";
  const root = document.documentElement;

  const theme = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme"); // where Airflow's pages keep it
    } catch { /* a browser that keeps nothing */ }
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
  };
  theme();
  window.addEventListener("storage", theme);

  // Airflow's own pages belong into its window, not into the frame. The frame may not navigate its parent; a link of the parent may.
  const outside = (link) => {
    const above = window.parent.document;
    const twin = above.createElement("a");
    twin.href = link.href;
    above.body.append(twin);
    twin.click();
    twin.remove();
  };
  const ready = () => {
    for (const link of document.querySelectorAll("a[data-airflow]")) {
      link.addEventListener("click", (event) => {
        if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        outside(link);
      });
    }
    for (const form of document.querySelectorAll("form.deed")) {
      form.addEventListener("submit", (event) => {
        if (form.dataset.sent) event.preventDefault();
        form.dataset.sent = "1";
        for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
      });
    }
    for (const field of document.querySelectorAll("form.filter select")) {
      field.addEventListener("change", () => field.form.requestSubmit());
    }
    for (const list of document.querySelectorAll("input[data-names]")) suggest(list);
    reach();
    window.addEventListener("resize", reach);
    for (const plot of document.querySelectorAll(".plot")) plot.scrollLeft = plot.scrollWidth; // the newest night
  };

  // What is wider than its frame is scrolled with the keys; the rest needs no stop.
  const reach = () => {
    for (const area of document.querySelectorAll(".scroll")) {
      if (area.scrollWidth > area.clientWidth) area.tabIndex = 0;
      else area.removeAttribute("tabindex");
    }
  };

  const suggest = (input) => {
    const names = document.getElementById(input.getAttribute("list"));
    let last = null, waiting = 0;
    const look = async () => {
      const beginning = input.value;
      if (beginning === last) return;
      last = beginning;
      const answer = await fetch(`${input.dataset.names}?beginning=${encodeURIComponent(beginning)}`, { credentials: "same-origin" });
      if (!answer.ok || input.value !== beginning) return;
      names.replaceChildren(...(await answer.json()).map((name) => {
        const option = document.createElement("option");
        option.value = name;
        return option;
      }));
    };
    input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 150); });
    input.addEventListener("focus", look);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
