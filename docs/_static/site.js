// Code that is wider than the page scrolls by keyboard too.
for (const block of document.querySelectorAll("pre, .formula")) {
  if (block.scrollWidth > block.clientWidth) {
    block.tabIndex = 0;
  }
}
// Assistive technology tells the two sidebars apart, and reads the text of a folded cell.
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "This page");
for (const summary of document.querySelectorAll("details.hide > summary")) {
  summary.removeAttribute("aria-label");
}
