// @ts-check
// Runs before anything is drawn, hence no module: otherwise a dark page would flash.
{
  const chosen = localStorage.getItem("octo-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}
