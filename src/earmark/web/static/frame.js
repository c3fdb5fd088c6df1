// What all pages share: the choice of light and dark, the list of keys, and the keys themselves.

const THEMES = ["auto", "light", "dark"];
const SIGNS = { auto: "◐", light: "☀", dark: "☾" };

const theme = () => localStorage.getItem("em-theme") || "auto";

const paint = () => {
  if (!window.Quasar || !window.Quasar.Dark || !document.body) {
    setTimeout(paint, 20);
    return;
  }
  const chosen = theme();
  window.Quasar.Dark.set(chosen === "auto" ? "auto" : chosen === "dark");
  const button = document.getElementById("em-theme");
  if (!button) return;
  button.textContent = SIGNS[chosen];
  button.setAttribute("aria-label", `colours: ${chosen}`);
  button.title = `colours: ${chosen}`;
};

const help = () => {
  const dialog = document.getElementById("em-keys");
  if (dialog.open) dialog.close();
  else dialog.showModal();
};

document.addEventListener("DOMContentLoaded", paint);
window.addEventListener("load", paint);

document.addEventListener("click", (event) => {
  const button = event.target.closest && event.target.closest("#em-theme, #em-help, #em-keys");
  if (!button) return;
  if (button.id === "em-theme") {
    localStorage.setItem("em-theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    paint();
  } else if (button.id === "em-help") help();
  else if (event.target === button) button.close(); // beside the list
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key === "?") help();
  else if (event.key === "/") {
    const field = document.querySelector("main input[type=search]");
    if (!field) return;
    field.focus();
  } else if (event.key === " ") {
    if (event.target.closest("button, a, summary, [role=slider], [role=gridcell], [role=application], label")) return;
    if (!window.emPlayer) return;
    window.emPlayer.toggle();
  } else return;
  event.preventDefault();
});
