// Runs before the first paint: puts the chosen theme on the document, so that nothing flashes.
try {
  const theme = localStorage.getItem("vrag-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing follows the system.
}
