// Light, dark, or as the system has it; remembered in this browser.

import { icon } from "./icons.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const SAID = { auto: "as the system has it", light: "light", dark: "dark" };

export function startTheme(button) {
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? "auto";
    button.replaceChildren(icon(theme));
    button.setAttribute("aria-label", `Colours: ${SAID[theme]}`);
    button.title = `Colours: ${SAID[theme]}`;
  };
  button.addEventListener("click", () => {
    choose(NEXT[document.documentElement.dataset.theme ?? "auto"]);
    show();
  });
  show();
}

function choose(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("vrag-theme", theme);
  } catch {
    // Then it holds until the page is closed.
  }
}
