// @ts-check
/** Light or dark: as the system says, or as somebody has chosen here. `theme.js` has set it before anything is drawn. */

/** @param {HTMLButtonElement} button */
export function themed(button) {
  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("octo-theme", root.dataset.theme);
    button.setAttribute("aria-pressed", String(isDark()));
  });
}
