// The pictures on buttons: strokes on a field of 24 by 24.

const PATHS = {
  ask: "M5 5h14v11h-7l-4 4v-4H5zM9 9h6M9 12h4",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  width: "M3 5v14M21 5v14M7 12h10M9.5 9L7 12l2.5 3M14.5 9l2.5 3-2.5 3",
  whole: "M7 3h10v18H7zM10 8h4M10 12h4M10 16h2",
  heat: "M12 3c1 3-3.5 5-3.5 9a3.5 3.5 0 0 0 7 .5c0-1-.3-1.8-.8-2.5 2.3 1 3.3 3 3.3 5a6 6 0 0 1-12 0c0-5 5-7 6-12z",
  frame: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8.5 12h7",
  open: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  upload: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.3 15.3 20 20",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  filter: "M4 6h16M7 12h10M10 18h4",
  report: "M5 20V4h14v16zM9 16v-4M12 16V8M15 16v-2",
  page: "M6 3h8.5L19 7.5V21H6zM14 3v5h5",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4" +
    "M17.6 17.6L19 19M19 5l-1.4 1.4M6.4 17.6L5 19",
  dark: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",
  auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
};
const SVG = "http://www.w3.org/2000/svg";

/** An icon; it says nothing to a screen reader, its button has the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
